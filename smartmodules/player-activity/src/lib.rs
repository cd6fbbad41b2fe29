//! The derivation `player-activity`.

mod derivation;

pub use derivation::PlayerActivityDerivation;
