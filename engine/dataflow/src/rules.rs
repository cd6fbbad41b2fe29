//! Parameters that change while a derivation runs. A new version is a record of the derivation's rules topic.
//! The runner adopts it at once: it writes a checkpoint with the source offsets from which the version
//! applies, and only then processes records from there. So a restart, or a replay, which takes the versions from
//! the checkpoint, applies the same version to each record.

mod backtest;
mod error;
mod following;
mod listing;
mod publishing;
mod store;

pub use backtest::BacktestRead;
pub use error::RulesError;
pub(crate) use following::{Announced, is_usable, start};
pub use listing::{ListedRules, RuleState};
pub use publishing::Published;
pub use store::{RuleStore, read_parameters};

#[cfg(test)]
mod tests;
