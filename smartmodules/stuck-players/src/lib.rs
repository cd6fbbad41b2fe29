//! The derivation `stuck-players`.

mod derivation;
mod thresholds;

pub use derivation::StuckPlayersDerivation;
