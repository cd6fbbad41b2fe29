//! The SmartModule `fraud-alerts`: the shell around its fold.

mod account;
mod alarm;
mod fold;
mod history;
mod parameters;
mod rules;

pub use fold::FraudAlertsRules;

smartmodule_batch::export! {
    state: model::Fold<model::follow::FactsOf<FraudAlertsRules>>,
    configure: |params| model::Fold::from_params(&params.into_iter().collect()),
    batch: |fold, records, partial| fold.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partial,
    ),
}
