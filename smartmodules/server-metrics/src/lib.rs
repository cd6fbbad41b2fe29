//! The SmartModule `server-metrics`: as `dataflow`, but only for the derivations in Rust of the topic
//! `server-metrics`. It is smaller, so a server compiles it sooner.

folds::export!(folds::built_in::<model::source::ServerMetrics>);
