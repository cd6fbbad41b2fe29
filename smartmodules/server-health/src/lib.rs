//! SmartModule and derivation of the derived topic `server-health`.
