//! The derivation `server-health`.

mod derivation;

pub use derivation::ServerHealthDerivation;
