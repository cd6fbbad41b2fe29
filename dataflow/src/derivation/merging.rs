//! Partials in: merged into the windows, counted, and their rejected and late records remembered.

use tokio::sync::mpsc;

use super::Derivation;
use crate::error::RunError;
use crate::source::{Arrival, PARTIALS_AHEAD};
use crate::status::DerivationStatus;
use crate::windows::{Arrived, Merged};

impl Derivation {
    /// Merges what has arrived. Rows and their acknowledgement cost the same for many as for one.
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

    fn merge(&mut self, (partition, arrival): Arrival) -> Result<(), RunError> {
        let partial = arrival?;
        let position = &mut self.partitions[partition];
        let arrived = Arrived {
            partition,
            replayed_to: position.replayed_to,
        };
        let unreadable = |cause| RunError::Partial {
            topic: self.job.spec.from.clone(),
            partition: partition as u32,
            cause,
        };
        let merged = self.windows.merge(arrived, &partial).map_err(unreadable)?;
        position.evicted_before(merged.header.first_offset);
        position.next_offset = merged.header.next_offset;
        let counts_anew = merged.header.next_offset > position.replayed_to;
        if counts_anew {
            position.counts.add(&merged);
        }
        self.watermarks
            .heard(partition, merged.header.max_event_time, self.now_ms());
        self.dirty = true;
        if counts_anew {
            self.divert(partition, merged);
        }
        self.job
            .status
            .update(&self.job.name, DerivationStatus::merged);
        Ok(())
    }

    /// Where memory is short, only the partition that is furthest behind is read: it holds open the
    /// windows that the others fill.
    pub(super) fn throttle(&self) {
        let is_short = self.windows.len() > self.job.spec.entries_max / 2;
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

    /// Remembers the records whose payload is to be kept.
    fn divert(
        &mut self,
        partition: usize,
        Merged {
            header,
            late_places,
            ..
        }: Merged,
    ) {
        for (delta, _) in &header.rejected {
            self.pending
                .reject(partition, header.first_offset + i64::from(*delta));
        }
        if !late_places.is_empty() {
            self.pending.late(
                partition,
                header.first_offset..header.next_offset,
                late_places,
            );
        }
    }
}
