//! The checks of the built-in derivations, which records of their topics must pass, whatever columns are declared.

use model::Rejection;
use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent, object_names};
use model::json::Value;

use crate::alike::Alike;
use crate::source::Path;

/// The events that the records of a topic must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Checks {
    None,
    Player,
    Purchase,
    Server,
}

impl Checks {
    /// Returns the checks of a topic.
    pub(crate) fn of(topic: &str) -> Self {
        match topic {
            PlayerEvent::TOPIC => Self::Player,
            PurchaseEvent::TOPIC => Self::Purchase,
            ServerMetric::TOPIC => Self::Server,
            _ => Self::None,
        }
    }

    /// Adds the paths that are checked.
    pub(crate) fn add_paths(self, alike: &mut Alike) {
        let paths = match self {
            Self::None => return,
            Self::Player => PlayerEvent::PATHS,
            Self::Purchase => PurchaseEvent::PATHS,
            Self::Server => ServerMetric::PATHS,
        };
        for path in paths.iter().filter_map(|path| Path::parse(path).ok()) {
            alike.add(&path);
        }
        object_names().for_each(|name| alike.add_object(name));
    }

    /// Checks a record.
    pub(crate) fn check(self, record: &[u8]) -> Result<(), Rejection> {
        match self {
            Self::None => Ok(()),
            Self::Player => PlayerEvent::parse(record).map(drop),
            Self::Purchase => PurchaseEvent::parse(record).map(drop),
            Self::Server => ServerMetric::parse(record).map(drop),
        }
    }

    /// Checks the values of a record, of which the checked ones come first.
    pub(crate) fn check_values(self, values: &[Option<Value<'_>>]) -> Result<(), Rejection> {
        match self {
            Self::None => Ok(()),
            Self::Player => PlayerEvent::from_values(values).map(drop),
            Self::Purchase => PurchaseEvent::from_values(values).map(drop),
            Self::Server => ServerMetric::from_values(values).map(drop),
        }
    }
}
