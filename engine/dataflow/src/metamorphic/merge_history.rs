//! Keeps, in plain maps, what a runner has merged and which windows it had forgotten by then. The checks need this
//! for hopping windows: one window may be forgotten before one of its events arrives, while later windows still
//! accept that event.

use std::collections::{BTreeMap, BTreeSet};

use client::{Offset, OffsetRange, Partition, PartitionOffset};
use model::Timestamp;

/// The records that one runner has merged, including those in the snapshot that it restored.
#[derive(Clone, Debug, Default)]
pub(super) struct MergeHistory {
    /// For each merged record, the time up to which windows had been forgotten when the record was merged.
    merged: BTreeMap<PartitionOffset, Option<i64>>,
    forgotten_to: Option<i64>,
}

impl MergeHistory {
    /// Notes that a batch has been merged.
    pub(super) fn merged(&mut self, partition: Partition, offsets: OffsetRange) {
        let offsets = (offsets.start.0..offsets.end.0).map(Offset);
        let merged = offsets.map(|offset| PartitionOffset { partition, offset });
        let merged = merged.map(|at| (at, self.forgotten_to));
        self.merged.extend(merged);
    }

    /// Notes that all windows that end by `watermark` minus the allowed lateness are now forgotten.
    pub(super) fn retire(&mut self, watermark: Option<Timestamp>, allowed_lateness_ms: i64) {
        let forgotten_to = watermark.map(|watermark| watermark.as_millis() - allowed_lateness_ms);
        self.forgotten_to = self.forgotten_to.max(forgotten_to);
    }

    pub(super) fn is_forgotten(&self, window_end: i64) -> bool {
        self.forgotten_to.is_some_and(|to| window_end <= to)
    }

    /// The records that were merged before a window with this end was forgotten.
    pub(super) fn in_time_for(&self, window_end: i64) -> BTreeSet<PartitionOffset> {
        let in_time = |to: &Option<i64>| to.is_none_or(|to| window_end > to);
        let merged = self.merged.iter().filter(|(_, to)| in_time(to));
        merged.map(|(at, _)| *at).collect()
    }
}
