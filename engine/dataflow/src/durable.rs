//! State that outlives a runner: checkpoints and snapshots. Also the check that a source still holds the log that
//! was read before.

pub(crate) mod checkpoint;
pub(crate) mod recovery;
pub(crate) mod snapshot;
pub(crate) mod source_log;
