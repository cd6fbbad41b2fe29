//! The SmartModule `valid-events`: a filter that passes valid events.

mod check;
#[cfg(target_arch = "wasm32")]
mod shell;

pub use check::ValidEvents;
