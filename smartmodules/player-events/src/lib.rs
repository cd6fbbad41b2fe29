//! The SmartModule `player-events`: as `dataflow`, but only for the derivations in Rust of the topic
//! `player-events`. It is smaller, so a server compiles it sooner.

folds::export!(folds::built_in::<model::source::PlayerEvents>);
