//! The derivation `purchase-summaries`.

mod derivation;

pub use derivation::PurchaseSummariesDerivation;
