//! Reading source partitions, each derivation by itself or several through a shared reader.

mod partials;
pub(crate) mod partition;
pub(crate) mod shared;
pub(crate) mod upstream;
