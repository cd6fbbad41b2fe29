//! The three source events, parsed from a record's bytes without copying, or refused for a reason.
//!
//! Every field of a schema is required but `game_id`; `null` counts as absent; unknown fields are
//! passed over. Where several things are wrong, the record's size counts first, then its JSON,
//! then its fields in the order of their declaration.

mod field;
pub mod limits;
mod player;
mod purchase;
mod scan;
mod server;

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

    /// Reads the event from a record's value.
    fn parse(record: &'e [u8]) -> Result<Self, Rejection>;

    /// The event time.
    fn time(&self) -> Timestamp;
}
