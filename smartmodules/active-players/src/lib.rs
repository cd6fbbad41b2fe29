//! The derivation `active-players`.

mod derivation;
mod platforms;

pub use derivation::ActivePlayersDerivation;
