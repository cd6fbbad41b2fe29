//! The SmartModule `purchase-events`: as `dataflow`, but only for the derivations in Rust of the topic
//! `purchase-events`. It is smaller, so a server compiles it sooner.

folds::export!(folds::built_in::<model::source::PurchaseEvents>);
