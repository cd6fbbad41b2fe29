//! The three source events, parsed from a record's bytes without copying, or refused for a reason.
//!
//! Every field of a schema is required but `game_id`; `null` counts as absent; unknown fields are
//! passed over. Of a field that stands twice the last one counts; an object of the schema that
//! stands twice is one with the fields of both. Where several things are wrong, a record is refused
//! for one of them, always the same: its size first, then its JSON, then its objects and fields.
//! Numbers are rounded to the digits that are kept of them before their range is checked.

mod any;
mod field;
mod layout;
pub mod limits;
mod player;
mod purchase;
mod scan;
mod server;

pub use any::{AnyEvent, EventReader};
pub use layout::Layouts;
pub use player::PlayerEvent;
pub use purchase::{PurchaseEvent, TransactionType};
pub use server::{READING_DIGITS, READING_UNIT, ServerMetric};

use crate::reject::Rejection;
use crate::time::Timestamp;

/// The game of events that name none.
pub const DEFAULT_GAME_ID: &str = "default";

/// One source event, borrowed from its record.
pub trait Event<'e>: Sized {
    /// The source topic that carries these events.
    const TOPIC: &'static str;

    /// Reads the event from a record's value, the faster the more alike the records are that were
    /// read with the same `layouts`.
    fn parse_alike(record: &'e [u8], layouts: &mut Layouts) -> Result<Self, Rejection>;

    /// Reads the event from a record's value.
    fn parse(record: &'e [u8]) -> Result<Self, Rejection> {
        Self::parse_alike(record, &mut Layouts::default())
    }

    /// The event time.
    fn time(&self) -> Timestamp;
}
