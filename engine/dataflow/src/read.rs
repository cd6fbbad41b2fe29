//! Reads source partitions, through one stream for each derivation or through a reader that several derivations share.

mod partials;
pub(crate) mod partition;
pub(crate) mod shared;
pub(crate) mod upstream;
