//! The SmartModule `revenue`: the shell around its fold.

mod fold;

pub use fold::RevenueFold;

smartmodule_batch::export! {
    state: model::Fold<RevenueFold>,
    configure: |params| model::Fold::from_params(&params.into_iter().collect()),
    batch: |fold, records, partial| fold.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partial,
    ),
}
