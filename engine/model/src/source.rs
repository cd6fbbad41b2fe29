//! Sources: how the events of a topic are read from its records.

use crate::event::{Event, Layouts, PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use crate::params::{ParamError, Params};
use crate::reject::Rejection;

/// Reads the events of a source topic from its records.
pub trait Source: Sized + Send + Sync + 'static {
    /// The topic, if it is always the same one.
    const TOPIC: Option<&'static str>;
    /// The names of the source's parameters.
    const PARAMETERS: &'static [&'static str];

    /// The event of the source, borrowed from its record.
    type Event<'e>: Event;

    /// Creates the source from its parameters.
    fn from_params(params: &Params) -> Result<Self, ParamError>;

    /// Reads the event from a record's value.
    fn parse<'r>(&mut self, record: &'r [u8]) -> Result<Self::Event<'r>, Rejection>;

    /// Takes back events that are no longer needed. Their memory can serve the next ones.
    fn reuse<'e>(&mut self, _events: impl Iterator<Item = Self::Event<'e>>) {}

    /// Returns the name of the field with the event time, as rejections name it.
    fn event_time(&self) -> &str {
        "event_timestamp"
    }
}

/// Defines the source of an event whose fields are fixed.
macro_rules! typed_source {
    ($(#[$doc:meta])* $source:ident, $event:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $source(Layouts);

        impl Source for $source {
            const TOPIC: Option<&'static str> = Some($event::TOPIC);
            const PARAMETERS: &'static [&'static str] = &[];

            type Event<'e> = $event<'e>;

            fn from_params(_: &Params) -> Result<Self, ParamError> {
                Ok(Self::default())
            }

            #[inline]
            fn parse<'r>(&mut self, record: &'r [u8]) -> Result<$event<'r>, Rejection> {
                $event::parse_alike(record, &mut self.0)
            }
        }
    };
}

typed_source!(
    /// The source `player-events`.
    PlayerEvents,
    PlayerEvent
);
typed_source!(
    /// The source `purchase-events`.
    PurchaseEvents,
    PurchaseEvent
);
typed_source!(
    /// The source `server-metrics`.
    ServerMetrics,
    ServerMetric
);
