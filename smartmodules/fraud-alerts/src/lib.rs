//! The derivation `fraud-alerts`.

mod account;
mod alarm;
mod amounts;
mod derivation;
mod history;
mod parameters;
mod rules;
mod worth;

pub use derivation::FraudAlertsDerivation;
