//! The input stage: merges partials into the windows, counts their records, and remembers rejected and late
//! records.

use client::{Partition, PartitionOffset};
use model::Merge;
use tokio::sync::mpsc;

use super::DerivationTask;
use crate::covered::Covered;
use crate::error::RunError;
use crate::pipeline::{Arrived, Merged};
use crate::read::partition::{Arrival, PARTIALS_AHEAD};
use crate::sink::status::DerivationStatus;

impl DerivationTask {
    /// Merges all partials that have arrived, so that their rows are written together. A write of many rows takes about
    /// as long as a write of one, because most of its time is the wait for the acknowledgement.
    pub(super) fn merge_all(
        &mut self,
        first: Arrival,
        inbox: &mut mpsc::Receiver<Arrival>,
    ) -> Result<(), RunError> {
        self.merge(first)?;
        for _ in 1..PARTIALS_AHEAD {
            let Ok(next) = inbox.try_recv() else {
                break;
            };
            self.merge(next)?;
        }
        Ok(())
    }

    fn merge(&mut self, arrival: Arrival) -> Result<(), RunError> {
        let Arrival { partition, partial } = arrival;
        let partial = partial?;
        let position = &mut self.partitions[partition.index()];
        let arrived = Arrived {
            partition,
            replayed_to: position.replayed_to,
        };
        let source = &self.job.spec.from;
        let merged = self
            .pipeline
            .merge(arrived, &partial)
            .map_err(RunError::partial(source, partition))?;
        let offsets = merged.header.offsets();
        position.evicted_before(offsets.start);
        position.moved_behind(&merged.header);
        let is_new = offsets.end > position.replayed_to;
        if is_new {
            position
                .counts
                .add(&merged.header, merged.late, merged.duplicate);
            position.ahead.merge(merged.header.ahead.clone());
        }
        self.watermarks
            .heard(partition, merged.header.stream_time, self.now_ms());
        self.dirty = true;
        if is_new {
            self.divert(partition, merged);
        }
        self.job
            .status
            .update(&self.job.name, DerivationStatus::merged);
        Ok(())
    }

    /// While memory is short, reads only the partition with the smallest stream time: that partition holds back the
    /// watermark, and so keeps the windows open that the other partitions fill.
    pub(super) fn throttle(&self) {
        let is_short = self.pipeline.len() > self.job.spec.entries_max / 2;
        let only = if is_short {
            self.watermarks.furthest_behind()
        } else {
            None
        };
        let changed = self.only.send_if_modified(|now| {
            let changed = *now != only;
            *now = only;
            changed
        });
        if changed {
            self.job
                .status
                .update(&self.job.name, |status| status.only = only);
        }
    }

    /// Remembers the records whose payload has to be written to a dead-letter topic.
    fn divert(
        &mut self,
        partition: Partition,
        Merged {
            header,
            late_places,
            ..
        }: Merged,
    ) {
        for offset in header.rejected_offsets() {
            self.pending.reject(PartitionOffset { partition, offset });
        }
        if !late_places.is_empty() {
            self.pending.late(partition, header.offsets(), late_places);
        }
    }
}
