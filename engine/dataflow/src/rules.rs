//! Parameters that change while a derivation runs. A new version of the parameters is a record of the derivation's
//! rules topic. When the runner adopts a version, it first writes a checkpoint with the version and the source
//! offsets from which it applies, and only then processes records with it. A restart and a replay read the versions
//! from the checkpoint, so they apply the same version to each record.

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
