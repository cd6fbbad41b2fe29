//! The three source events. An event is parsed from a record's bytes, or rejected with a reason. Its texts borrow
//! from the record; only strings with escapes are copied.
//!
//! Every field of a schema except `game_id` is required. A `null` value counts as absent, and unknown fields
//! are ignored. If a field occurs twice, the last one counts; if an object of the schema occurs twice, the
//! fields of both count. A record with several faults is always rejected for the same one: its size is
//! checked first, then its JSON, then its objects and fields. Negative numbers are rejected; other numbers
//! are rounded to the supported digits before their range is checked.

mod any;
mod field;
mod layout;
pub mod limits;
mod player;
mod purchase;
mod scan;
mod server;

pub use any::{AnyEvent, EventReader};
pub use layout::{Layouts, Learnable, Place};
pub use player::PlayerEvent;
pub use purchase::{PurchaseEvent, TransactionType};
pub use scan::object_names;
pub use server::{READING_DIGITS, READING_UNIT, ServerMetric};

use crate::json::Value;
use crate::reject::Rejection;
use crate::time::Timestamp;

/// The game of events that have no `game_id`.
pub const DEFAULT_GAME_ID: &str = "default";

/// One source event, borrowed from its record.
pub trait Event {
    /// Returns the event time.
    fn time(&self) -> Timestamp;

    /// Returns the sender's id, which is the record key in the source topic.
    fn sender(&self) -> &str;
}

/// An event whose fields are fixed.
pub trait TypedEvent<'e>: Event + Sized {
    /// The source topic of these events.
    const TOPIC: &'static str;

    /// The paths of the event's fields: names joined by `.`.
    const PATHS: &'static [&'static str];

    /// Creates the event from the values of its fields, in the order of `PATHS`. Further values are ignored; if there
    /// are fewer, all fields are absent.
    fn from_values(values: &[Option<Value<'e>>]) -> Result<Self, Rejection>;

    /// Returns the event time if a quick test finds that an event can be created from the values; `None` leaves it
    /// open.
    fn time_if_plain(values: &[Option<Value<'e>>]) -> Option<Timestamp>;

    /// Reads the event from a record's value. This is faster if a record with the same layout has been read
    /// with the same `layouts` before.
    fn parse_alike(record: &'e [u8], layouts: &mut Layouts) -> Result<Self, Rejection>;

    /// Reads the event from a record's value.
    fn parse(record: &'e [u8]) -> Result<Self, Rejection> {
        Self::parse_alike(record, &mut Layouts::default())
    }
}
