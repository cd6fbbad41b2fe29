//! Dead letters that have not been written yet.

use client::{OffsetRange, Partition, PartitionOffset};
use model::{RecordKey, Timestamp};

use crate::output::lateness::LatePlace;

/// Dead letters of one derivation whose payload has not been fetched yet.
#[derive(Debug, Default)]
pub(crate) struct PendingDeadLetters {
    pub(super) rejected: Vec<PartitionOffset>,
    pub(super) late: Vec<LateBatch>,
}

/// The windows and keys in one source batch whose events are late. The late records themselves are found only
/// when the batch is fetched again.
#[derive(Debug)]
pub(super) struct LateBatch {
    pub(super) partition: Partition,
    pub(super) offsets: OffsetRange,
    pub(super) places: Vec<LatePlace>,
}

impl PendingDeadLetters {
    pub(crate) fn reject(&mut self, at: PartitionOffset) {
        self.rejected.push(at);
    }

    pub(crate) fn late(
        &mut self,
        partition: Partition,
        offsets: OffsetRange,
        places: Vec<LatePlace>,
    ) {
        self.late.push(LateBatch {
            partition,
            offsets,
            places,
        });
    }

    /// The number of pending rejected records, plus that of batches with late records.
    pub(crate) fn len(&self) -> usize {
        self.rejected.len() + self.late.len()
    }
}

impl LateBatch {
    /// Batches further apart than this are not fetched together, because many other records may lie between
    /// them.
    const NEAR: i64 = 10_000;

    /// Whether the next batch is worth fetching together with this one.
    pub(super) fn is_near(&self, next: &Self) -> bool {
        self.partition == next.partition && next.offsets.start - self.offsets.end <= Self::NEAR
    }

    /// The window and key for which an event of this time and key was too late.
    pub(super) fn late_at(&self, time: Timestamp, key: &RecordKey) -> Option<&LatePlace> {
        self.places.iter().find(|place| place.holds(time, key))
    }
}
