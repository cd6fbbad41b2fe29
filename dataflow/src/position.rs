//! How far a source partition has come, while a derivation is at work.

use crate::checkpoint::PartitionCheckpoint;
use crate::counts::Counts;

/// How far one source partition has come.
pub(crate) struct Position {
    /// The next offset to merge.
    pub(crate) next_offset: i64,
    /// Records before this offset were counted before a restart.
    pub(crate) replayed_to: i64,
    pub(crate) counts: Counts,
}

impl From<PartitionCheckpoint> for Position {
    fn from(checkpoint: PartitionCheckpoint) -> Self {
        Self {
            next_offset: checkpoint.rewind_offset,
            replayed_to: checkpoint.next_offset,
            counts: checkpoint.counts,
        }
    }
}
