//! Reads source partitions: each derivation through a stream of its own, or several through a shared reader.

mod partials;
pub(crate) mod partition;
pub(crate) mod shared;
pub(crate) mod upstream;
