//! The SmartModule `running-totals`, an aggregate that counts events and sums money.

mod ledger;
#[cfg(target_arch = "wasm32")]
mod shell;
mod totals;

pub use ledger::Ledger;
pub use totals::{RunningTotals, Totals};
