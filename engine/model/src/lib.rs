//! The domain model of game analytics: events, partial aggregates and derived records. This crate uses no I/O,
//! clocks or randomness, and it compiles to WASM.
//!
//! In reading order: an [`event`] is parsed from a record or rejected with a [`Reason`]. [`Lift`] adds it to the
//! partial aggregate of its key, the *partial*. A [`Fold`] turns one batch of records into one [`BatchPartial`].
//! [`Merge`] combines the partials of a key. When a window closes, [`Windowed::finish`] turns the partial of each key
//! into a record of [`derived`], or [`Windowed::window_rows`] computes the records from all partials together. Alerts
//! come from a [`KeyedProcess`] instead, which processes each key's events one by one.

pub mod ahead;
pub mod decimal;
pub mod derivation;
pub mod derived;
mod emit;
pub mod event;
pub mod fold;
pub mod grouping;
pub mod json;
pub mod key;
pub mod keyed_process;
pub mod merge;
pub mod money;
pub mod params;
pub mod partial;
pub mod payload;
pub mod reject;
pub mod source;
pub mod texts;
pub mod time;
pub mod window;
pub mod words;
pub mod worth;

pub use ahead::{SenderAhead, SendersAhead};
pub use derivation::{Lift, Sessions, Windowed};
pub use emit::Emit;
pub use event::Event;
pub use fold::Fold;
pub use grouping::{AlignedWindows, Grouping, SessionGap, Shape, SingleEvents};
pub use key::RecordKey;
pub use keyed_process::{FactsOf, KeyedProcess};
pub use merge::Merge;
pub use params::{ParamError, Params};
pub use partial::{BatchPartial, PartialError};
pub use payload::{PayloadPart, REJECTED_EVENTS};
pub use reject::{Reason, Rejection};
pub use time::Timestamp;
pub use window::Window;
