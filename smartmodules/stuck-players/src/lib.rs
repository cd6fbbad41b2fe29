//! The SmartModule `stuck-players`: the shell around its fold.

mod fold;
mod thresholds;

pub use fold::StuckPlayersRule;

smartmodule_batch::export! {
    state: model::Fold<model::follow::FactsOf<StuckPlayersRule>>,
    configure: |params| model::Fold::from_params(&params.into_iter().collect()),
    batch: |fold, records, partial| fold.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partial,
    ),
}
