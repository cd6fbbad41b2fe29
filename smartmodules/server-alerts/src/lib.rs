//! The derivation `server-alerts`.

mod alert;
mod derivation;
mod hysteresis;
mod readings;
mod rules;

pub use derivation::ServerAlertsDerivation;
