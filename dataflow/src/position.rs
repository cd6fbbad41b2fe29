//! How far a source partition has come, while a derivation is at work.

use crate::checkpoint::PartitionCheckpoint;
use crate::counts::Counts;

/// These offsets of a topic's partitions, in order; those that are not named were empty then.
pub(crate) fn padded(offsets: &[i64], partitions: usize) -> Vec<i64> {
    let missing = partitions.saturating_sub(offsets.len());
    let offsets = offsets.iter().copied();
    offsets.chain(std::iter::repeat_n(0, missing)).collect()
}

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

impl Position {
    /// Retention removed what stood before `first_offset` and has not been read.
    pub(crate) fn evicted_before(&mut self, first_offset: i64) {
        let expected = self.next_offset.max(self.replayed_to);
        self.counts.evicted += u64::try_from(first_offset - expected).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_missed_once_and_not_those_that_were_counted() {
        let position = |next_offset, replayed_to, first_offset| {
            let mut position = Position {
                next_offset,
                replayed_to,
                counts: Counts::default(),
            };
            position.evicted_before(first_offset);
            position.counts.evicted
        };
        assert_eq!(position(5, 0, 5), 0);
        assert_eq!(position(5, 0, 9), 4);
        assert_eq!(
            position(5, 7, 9),
            2,
            "two of them were counted before the restart"
        );
        assert_eq!(position(5, 20, 9), 0);
    }
}
