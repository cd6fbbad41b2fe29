//! The vocabulary of game analytics, free of I/O, clocks and randomness; it compiles to WASM.
//!
//! Read in this order: an [`event`] is parsed from a record or refused for a [`Reason`]; a
//! [`Derivation`] says what it contributes to a derived topic; a [`Fold`] turns one batch of
//! records into one [`BatchPartial`]; partials [`Merge`]; a window that closes becomes a record
//! of [`derived`]. Alerts [`Follow`] each key's events instead.

pub mod decimal;
pub mod derivation;
pub mod derived;
pub mod event;
pub mod fold;
pub mod follow;
pub mod json;
pub mod key;
pub mod merge;
pub mod money;
pub mod params;
pub mod partial;
pub mod payload;
pub mod reject;
pub mod time;
pub mod window;
mod words;

pub use derivation::{Derivation, Emit};
pub use event::Event;
pub use fold::Fold;
pub use follow::Follow;
pub use key::RecordKey;
pub use merge::Merge;
pub use params::{ParamError, Params};
pub use partial::{BatchPartial, PartialError};
pub use payload::{PayloadPart, REJECTED_EVENTS};
pub use reject::{Reason, Rejection};
pub use time::Timestamp;
pub use window::{Shape, Window, Windowing};
