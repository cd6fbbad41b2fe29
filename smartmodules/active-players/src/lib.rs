//! The SmartModule `active-players`: the shell around its fold.

mod fold;
mod platforms;

pub use fold::ActivePlayersFold;

smartmodule_batch::export! {
    state: model::Fold<ActivePlayersFold>,
    configure: |params| model::Fold::from_params(&params.into_iter().collect()),
    batch: |fold, records, partial| fold.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partial,
    ),
}
