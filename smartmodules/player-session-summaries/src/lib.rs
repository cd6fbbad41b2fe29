//! The SmartModule `player-session-summaries`: the shell around its fold.

mod fold;

pub use fold::PlayerSessionSummariesFold;

smartmodule_batch::export! {
    state: model::Fold<PlayerSessionSummariesFold>,
    configure: |params| model::Fold::from_params(&params.into_iter().collect()),
    batch: |fold, records, partial| fold.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partial,
    ),
}
