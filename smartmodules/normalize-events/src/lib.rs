//! The SmartModule `normalize-events`: a map that writes events in one canonical form. It passes other records
//! unchanged.

mod canonical;
mod fields;
#[cfg(target_arch = "wasm32")]
mod shell;

pub use canonical::NormalizeEvents;
