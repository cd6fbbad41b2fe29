//! Reads source partitions, through one stream for each derivation or through a reader that several derivations share,
//! and the tables that queries join.

mod partials;
pub(crate) mod partition;
pub(crate) mod shared;
pub(crate) mod table;
pub(crate) mod upstream;
