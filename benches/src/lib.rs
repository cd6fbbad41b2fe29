//! Code that the benchmarks and the tests of built SmartModules share. It generates batches, runs and measures built
//! modules in two ways (in Fluvio's engine and directly in Wasmtime), and runs the binary's subcommands as child
//! processes, whose processor time and memory it reads.

pub mod batch;
pub mod chain;
pub mod guest;
pub mod http;
pub mod instructions;
pub mod memory;
pub mod modules;
pub mod process;
pub mod queries;
pub mod settings;
pub mod spread;
pub mod usage;

pub use batch::Batch;
pub use chain::Chain;
pub use guest::Guest;
pub use instructions::Counter;
pub use spread::Spread;

/// The version of the SmartModule interface that Fluvio's client 0.50.1 requests.
pub const INTERFACE_VERSION: i16 = 25;

/// The parameter that a derivation with windows requires.
pub const WINDOW: (&str, &str) = ("window_ms", "10000");

/// The parameter that a derivation with sessions requires.
pub const GAP: (&str, &str) = ("gap_ms", "10000");
