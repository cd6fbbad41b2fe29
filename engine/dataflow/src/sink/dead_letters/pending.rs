//! Dead letters that have not been written yet.

use client::{OffsetRange, Partition, PartitionOffset};

use crate::output::lateness::{LatePlace, Located};

/// Dead letters of one derivation whose payload has not been fetched yet.
#[derive(Debug, Default)]
pub(crate) struct PendingDeadLetters {
    pub(super) rejected: Vec<PartitionOffset>,
    pub(super) late: Vec<LateBatch>,
}

/// A source batch with late events, and the windows and keys of these events. Which records are late is found only
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

    /// The number of pending rejected records, plus the number of batches with late records.
    pub(crate) fn len(&self) -> usize {
        self.rejected.len() + self.late.len()
    }
}

impl LateBatch {
    /// The maximum distance, in offsets, of two batches that are fetched together. All records between them are read
    /// too.
    const NEAR: i64 = 10_000;

    /// Whether the next batch is close enough to be fetched together with this one.
    pub(super) fn is_near(&self, next: &Self) -> bool {
        self.partition == next.partition && next.offsets.start - self.offsets.end <= Self::NEAR
    }

    /// Returns the place that contains an event of the batch; `None` if the event is not late.
    pub(super) fn late_at(&self, event: &Located) -> Option<&LatePlace> {
        self.places.iter().find(|place| place.holds(event))
    }
}
