//! The derivation `player-session-summaries`.

mod derivation;

pub use derivation::PlayerSessionSummariesDerivation;
