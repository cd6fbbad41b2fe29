//! The checks of the built-in derivations, which records of their topics must pass, whatever columns are declared.

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent, object_names};
use model::json::Value;
use model::{Rejection, Timestamp};

use crate::alike::Alike;
use crate::source::{Column, Path};
use crate::types::SqlType;

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
        let paths = self.paths().iter();
        for path in paths.filter_map(|path| Path::parse(path).ok()) {
            alike.add(&path);
        }
        if !matches!(self, Self::None) {
            object_names().for_each(|name| alike.add_object(name));
        }
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

    /// Checks the values of a record, of which the checked ones come first. Returns the event time if it is checked.
    pub(crate) fn check_values(
        self,
        values: &[Option<Value<'_>>],
    ) -> Result<Option<Timestamp>, Rejection> {
        match self {
            Self::None => Ok(None),
            Self::Player => time::<PlayerEvent<'_>>(values).map(Some),
            Self::Purchase => time::<PurchaseEvent<'_>>(values).map(Some),
            Self::Server => time::<ServerMetric<'_>>(values).map(Some),
        }
    }

    /// Returns whether a column contains the event time that is checked.
    pub(crate) fn parse_time(self, column: &Column) -> bool {
        !matches!(self, Self::None) && column.path.to_string() == TIME
    }

    /// Returns whether any value that passes the checks fits a column, because both are texts that must be there.
    pub(crate) fn suffice(self, column: &Column) -> bool {
        let path = column.path.to_string();
        let is_checked = self.paths().contains(&path.as_str());
        is_checked && column.ty == SqlType::Text && !OTHERS.contains(&path.as_str())
    }

    fn paths(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Player => PlayerEvent::PATHS,
            Self::Purchase => PurchaseEvent::PATHS,
            Self::Server => ServerMetric::PATHS,
        }
    }
}

/// Returns the event time of the event with these values.
#[inline]
fn time<'a, E: TypedEvent<'a>>(values: &[Option<Value<'a>>]) -> Result<Timestamp, Rejection> {
    match E::time_if_plain(values) {
        Some(time) => Ok(time),
        None => E::from_values(values).map(|event| event.time()),
    }
}

/// The path of the event time.
const TIME: &str = "event_timestamp";

/// The checked fields that are not texts, or can be absent.
const OTHERS: [&str; 6] = [
    TIME,
    "parameters.game_id",
    "parameters.amount",
    "parameters.cpu_load",
    "parameters.memory_usage",
    "parameters.latency",
];
