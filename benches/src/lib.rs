//! What the measurements and the tests of built SmartModules share: generated batches, the modules
//! that were built, and two ways to run them.

pub mod batch;
pub mod chain;
pub mod guest;
pub mod memory;
pub mod modules;

pub use batch::Batch;
pub use chain::Chain;
pub use guest::Guest;

/// The version of the engine's interface that clients of 0.50.1 ask for.
pub const INTERFACE_VERSION: i16 = 25;

/// The parameter that a derivation of windows needs.
pub const WINDOW: (&str, &str) = ("window_ms", "10000");

/// The parameter that a derivation of sessions needs.
pub const GAP: (&str, &str) = ("gap_ms", "10000");
