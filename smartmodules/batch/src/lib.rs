//! The zero-copy batch shell for Fluvio SmartModules.
