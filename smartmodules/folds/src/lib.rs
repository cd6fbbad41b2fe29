//! The list of all derivations in Rust, and the folds that SmartModules run for them and for queries. Each SmartModule
//! exports only the folds that it needs.

mod folds;
mod list;

pub use folds::{Derived, built_in, folds};
#[doc(hidden)]
pub use list::crates;

/// Exports the functions that Fluvio's engine calls. `$folds` creates the folds from the SmartModule's parameters.
#[macro_export]
macro_rules! export {
    ($folds:expr) => {
        smartmodule_batch::export! {
            state: model::fold::Folds,
            configure: |params| $folds(&params),
            batch: |folds, records, partials| folds.batch(
                records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
                partials,
            ),
        }
    };
}
