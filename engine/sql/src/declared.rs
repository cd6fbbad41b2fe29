//! Declared sources as the fold reads them: the columns of a record are the event.

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use model::source::{PlayerEvents, PurchaseEvents, ServerMetrics};
use model::{Event, ParamError, Params, Rejection, Timestamp};

use crate::code;
use crate::read::Reader;
use crate::source::{Record, Source};
use crate::value::Value;

/// The parameter with the encoded [`Source`].
pub(crate) const SOURCE: &str = "source";

/// Reads the records of a declared source. In the topics with built-in derivations, a record must also be an event of
/// these.
pub struct DeclaredSource {
    reader: Reader,
    checks: Checks,
}

/// The checks of the built-in derivations.
enum Checks {
    None,
    Player(PlayerEvents),
    Purchase(PurchaseEvents),
    Server(ServerMetrics),
}

impl DeclaredSource {
    /// Creates the source.
    pub fn new(source: Source) -> Self {
        let checks = match source.name.as_str() {
            PlayerEvent::TOPIC => Checks::Player(PlayerEvents::default()),
            PurchaseEvent::TOPIC => Checks::Purchase(PurchaseEvents::default()),
            ServerMetric::TOPIC => Checks::Server(ServerMetrics::default()),
            _ => Checks::None,
        };
        Self {
            reader: Reader::new(source),
            checks,
        }
    }

    /// Returns the declaration.
    pub fn declaration(&self) -> &Source {
        self.reader.source()
    }
}

impl Checks {
    fn check(&mut self, record: &[u8]) -> Result<(), Rejection> {
        use model::source::Source as _;
        match self {
            Self::None => Ok(()),
            Self::Player(source) => source.parse(record).map(drop),
            Self::Purchase(source) => source.parse(record).map(drop),
            Self::Server(source) => source.parse(record).map(drop),
        }
    }
}

impl model::source::Source for DeclaredSource {
    const TOPIC: Option<&'static str> = None;
    const PARAMETERS: &'static [&'static str] = &[SOURCE];

    type Event<'e> = Record<'e>;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        code::decode(params, SOURCE).map(Self::new)
    }

    fn parse<'r>(&mut self, record: &'r [u8]) -> Result<Record<'r>, Rejection> {
        self.checks.check(record)?;
        self.reader.read(record)
    }

    fn event_time(&self) -> &str {
        &self.declaration().event_time
    }
}

impl Event for Record<'_> {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn sender(&self) -> &str {
        match self.sender.map(|column| &self.cells[column]) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }
}
