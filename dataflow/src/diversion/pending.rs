//! What has to be diverted and has not been yet.

use std::ops::Range;

use model::{RecordKey, Timestamp};

use crate::windows::LatePlace;

/// Diverted records whose payload has not been fetched yet, of one derivation.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(super) rejected: Vec<(usize, i64)>,
    pub(super) late: Vec<LateBatch>,
}

#[derive(Debug)]
pub(super) struct LateBatch {
    pub(super) partition: usize,
    pub(super) offsets: Range<i64>,
    pub(super) places: Vec<LatePlace>,
}

impl Pending {
    pub(crate) fn reject(&mut self, partition: usize, offset: i64) {
        self.rejected.push((partition, offset));
    }

    pub(crate) fn late(&mut self, partition: usize, offsets: Range<i64>, places: Vec<LatePlace>) {
        self.late.push(LateBatch {
            partition,
            offsets,
            places,
        });
    }

    /// How many records and batches wait.
    pub(crate) fn len(&self) -> usize {
        self.rejected.len() + self.late.len()
    }
}

impl LateBatch {
    /// Batches further apart are not fetched in one go: what stands between them may be much.
    const NEAR: i64 = 10_000;

    /// Whether the next batch is worth fetching together with this one.
    pub(super) fn is_near(&self, next: &Self) -> bool {
        self.partition == next.partition && next.offsets.start - self.offsets.end <= Self::NEAR
    }

    /// Where an event of this time and key was too late.
    pub(super) fn late_at(&self, time: Timestamp, key: &RecordKey) -> Option<&LatePlace> {
        self.places.iter().find(|place| place.holds(time, key))
    }
}
