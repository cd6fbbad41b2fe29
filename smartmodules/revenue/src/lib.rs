//! The derivation `revenue`.

mod derivation;

pub use derivation::RevenueDerivation;
