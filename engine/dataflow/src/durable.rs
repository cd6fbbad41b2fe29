//! State that outlives a runner: checkpoints, snapshots, and the check that a source still holds the log that
//! was read.

pub(crate) mod checkpoint;
pub(crate) mod recovery;
pub(crate) mod snapshot;
pub(crate) mod source_log;
