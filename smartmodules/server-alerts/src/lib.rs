//! The SmartModule `server-alerts`: the shell around its half of the state machine.

mod alert;
mod fold;
mod hysteresis;
mod readings;
mod rules;

pub use fold::ServerAlertsRule;

smartmodule_batch::export! {
    state: model::Fold<model::follow::FactsOf<ServerAlertsRule>>,
    configure: |params| model::Fold::from_params(&params.into_iter().collect()),
    batch: |fold, records, partial| fold.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partial,
    ),
}
