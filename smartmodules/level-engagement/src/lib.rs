//! The derivation `level-engagement`.

mod derivation;

pub use derivation::LevelEngagementDerivation;
