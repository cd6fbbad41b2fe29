//! The SmartModule `dataflow`. It parses each record of a source once and folds it for every requested derivation
//! of that source. For each batch it emits one partial of each derivation.

mod folds;
mod list;

pub use folds::folds;
#[doc(hidden)]
pub use list::crates;

smartmodule_batch::export! {
    state: model::fold::Folds,
    configure: |params| folds(&params),
    batch: |folds, records, partials| folds.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partials,
    ),
}
