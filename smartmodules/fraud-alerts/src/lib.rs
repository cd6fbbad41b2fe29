//! The derivation `fraud-alerts`.

mod account;
mod alarm;
mod amounts;
mod derivation;
mod history;
mod parameters;
mod rules;

pub use derivation::FraudAlertsDerivation;
