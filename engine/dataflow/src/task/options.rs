//! The options of a runner and of a replay.

use client::Cluster;

use crate::sink::status::StatusBoard;
use crate::spec::DataflowSpec;
use crate::spec::registration::Registry;

/// The cluster, dataflow file and code that a runner or a replay uses.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster. [`crate::provision`] must have been called on it.
    pub cluster: Cluster,
    /// The dataflow file.
    pub dataflow: DataflowSpec,
    /// The code of the derivations.
    pub registry: Registry,
    /// The board to which progress is reported.
    pub status: StatusBoard,
}
