//! The stages between a partial and its derived rows, in order: decode, lateness, windows, revisions. The
//! caller writes the rows to the sink and the progress to the checkpoint.

use client::{Offset, Partition};
use model::partial::BatchHeader;
use model::{ParamError, Params, PartialError, Timestamp, Window};

use crate::covered::Covered;
use crate::output::lateness::{Cause, LatePlace, Lateness};
use crate::output::prior::PriorOutput;
use crate::output::revisions::{DueRows, Revisions, Row};
use crate::windows::{AnyWindows, Batch, Contributions, Correctable, Due, Keyed, Origin};

/// The source partition of a batch, and how far it was read before the restart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) partition: Partition,
    /// Batches that end at or before this offset were already merged and counted before a restart.
    pub(crate) replayed_to: Offset,
}

/// The outcome of merging one batch.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) header: BatchHeader,
    /// The number of events that the SmartModule accepted, but that are late or did not fit into memory.
    pub(crate) late: u64,
    /// The windows and keys of the events that `late` counts.
    pub(crate) late_places: Vec<LatePlace>,
    /// The number of accepted events that were found to repeat another event of their pane or session.
    pub(crate) duplicate: u64,
}

/// The state of one derivation, and the stages that compute rows from partials.
///
/// - An event that the SmartModule accepted counts as exactly one of: merged, late, duplicate.
/// - The outcome of a batch is counted once: if the batch is merged again after a restart, `late` and `duplicate` in
///   [`Merged`] are 0.
pub(crate) struct Pipeline {
    lateness: Lateness,
    windows: AnyWindows,
    revisions: Revisions,
    /// The watermark at which windows were last forgotten. After a restart, this is at first the watermark of the
    /// checkpoint.
    retired_to: Option<Timestamp>,
}

impl Pipeline {
    /// Creates a pipeline with these windows, which must not contain any contributions.
    pub(crate) fn new(windows: AnyWindows) -> Self {
        let by_order = match &windows {
            AnyWindows::Correctable(windows) => windows.is_late_by_order(),
            AnyWindows::Keyed(_) => true,
        };
        Self {
            lateness: Lateness::new(by_order),
            windows,
            revisions: Revisions::default(),
            retired_to: None,
        }
    }

    /// Merges the partial of one batch.
    pub(crate) fn merge(
        &mut self,
        arrived: Arrived,
        partial: &[u8],
    ) -> Result<Merged, PartialError> {
        let Batch {
            header,
            mut contributions,
        } = self.decode(partial)?;
        let offsets = header.offsets();
        let origin = Origin {
            partition: arrived.partition,
            first_offset: offsets.start,
            is_replayed: offsets.end <= arrived.replayed_to,
        };
        let mut merged = Merged {
            header,
            late: 0,
            late_places: Vec::new(),
            duplicate: 0,
        };
        self.take_late(&mut contributions, origin, &mut merged);
        self.merge_windows(contributions, origin, &mut merged);
        if origin.is_replayed {
            // These events were counted before the restart.
            (merged.late, merged.duplicate) = (0, 0);
            merged.late_places.clear();
        }
        Ok(merged)
    }

    /// The first stage: decodes a partial. An empty batch means that retention removed records before they
    /// were read.
    fn decode(&mut self, partial: &[u8]) -> Result<Batch, PartialError> {
        let batch = self.windows.get().decode(partial)?;
        if batch.header.offsets().is_empty() {
            self.revisions.lost_source();
        }
        Ok(batch)
    }

    /// The second stage: removes the late contributions, and notes the number of their events and their places in
    /// `merged`.
    fn take_late(
        &mut self,
        contributions: &mut Contributions,
        origin: Origin,
        merged: &mut Merged,
    ) {
        let (lateness, windows) = (&mut self.lateness, self.windows.get());
        let earliest = merged.header.min_event_time;
        let may_be_over = earliest.is_some_and(|earliest| windows.may_be_over(earliest));
        if !may_be_over && !lateness.has_decided() {
            return;
        }
        let (partition, offsets) = (origin.partition, merged.header.offsets());
        let late = contributions.take_late(|window: Window, key: &str| {
            let is_over = windows.is_over(window, key, origin.is_replayed);
            lateness.is_late(partition, offsets, (window, key), is_over)
        });
        for (window, key, events) in late {
            let cause = Cause::Late;
            merged.late += events;
            merged.late_places.push(LatePlace { window, key, cause });
        }
    }

    /// The third stage: merges the remaining contributions into the windows.
    fn merge_windows(&mut self, contributions: Contributions, origin: Origin, merged: &mut Merged) {
        let revisions = &mut self.revisions;
        let windows = self.windows.get_mut();
        let outcome = windows.merge(contributions, origin, &mut |displaced| {
            revisions.displaced(displaced);
        });
        merged.duplicate = outcome.duplicate;
        for (place, events) in outcome.no_room {
            self.lateness.refused();
            merged.late += events;
            merged.late_places.push(place);
        }
    }

    /// The last stage: returns the rows that are due at `watermark` and have not been emitted yet. If corrections are
    /// due, also returns the changed rows of windows that were emitted before; if not, only those of windows that are
    /// about to be forgotten. If early rows are due, also returns the changed rows of open windows. Rows are ordered by
    /// window start, detections by span and key. `derived_ends` are the current end offsets of the derived topic.
    pub(crate) fn emit(
        &mut self,
        watermark: Timestamp,
        due: Due,
        derived_ends: &[Offset],
    ) -> Result<Vec<Row>, serde_json::Error> {
        // Records that are read again after a restart may have reopened windows that were emitted and forgotten
        // before the restart.
        self.retired_to
            .into_iter()
            .for_each(|retired_to| self.retire(retired_to));
        let revisions = &mut self.revisions;
        match &mut self.windows {
            AnyWindows::Correctable(windows) => {
                corrected(windows.as_mut(), revisions, watermark, due, derived_ends)
            }
            AnyWindows::Keyed(windows) => detected(windows.as_mut(), revisions, watermark),
        }
    }

    /// Whether [`Self::emit`] may return rows.
    pub(crate) fn has_due(&self, watermark: Timestamp, due: Due) -> bool {
        match &self.windows {
            AnyWindows::Correctable(windows) => windows.has_due(watermark, due),
            AnyWindows::Keyed(_) => true,
        }
    }

    /// Whether late events can correct rows. If not, a checkpoint has to be written before the rows.
    pub(crate) fn corrects(&self) -> bool {
        matches!(self.windows, AnyWindows::Correctable(_))
    }

    /// Forgets everything that can no longer be corrected at `watermark`.
    pub(crate) fn retire(&mut self, watermark: Timestamp) {
        self.retired_to = self.retired_to.max(Some(watermark));
        if let AnyWindows::Correctable(windows) = &mut self.windows {
            windows.retire(watermark);
            let end = windows.forgotten_to(watermark);
            self.lateness.retire(end);
            self.revisions
                .retire(end, |start, key| windows.is_open(start, key));
        }
    }

    /// Resumes from an earlier runner, with its watermark and the output that it wrote after its last checkpoint.
    /// Windows that ended by `closed_to` were computed from an earlier log of the source and must not be changed.
    pub(crate) fn resume(
        &mut self,
        watermark: Option<Timestamp>,
        closed_to: Option<Timestamp>,
        prior: PriorOutput,
    ) {
        self.windows.get_mut().resume(watermark, closed_to);
        self.lateness.resume(prior.late);
        self.revisions.resume(prior.rows);
        self.retired_to = watermark;
    }

    /// The offset from which the partition has to be read to compute the entries in memory again; `None` if no batch
    /// of the partition contributes to one of them.
    pub(crate) fn rewind_offset(&self, partition: Partition) -> Option<Offset> {
        self.windows.get().rewind_offset(partition)
    }

    /// The offsets from which a restart must read the derived topic, whose current end offsets are
    /// `derived_ends`.
    pub(crate) fn derived_from(&self, derived_ends: &[Offset]) -> Vec<Offset> {
        match &self.windows {
            AnyWindows::Correctable(windows) => {
                self.revisions.rows_from(derived_ends, windows.rows_from())
            }
            AnyWindows::Keyed(_) => self.revisions.detections_from(derived_ends),
        }
    }

    /// Whether a restart must read `late-events` to treat the same events as late.
    pub(crate) fn has_prior_late(&self) -> bool {
        self.lateness.is_needed()
    }

    /// Uses other parameters for the records from these offsets on, one offset for each source partition.
    pub(crate) fn adopt(&mut self, params: &Params, from: &[Offset]) -> Result<(), ParamError> {
        self.windows.adopt(params, from)
    }

    /// The number of entries in memory, as limited by `entries_max`.
    pub(crate) fn len(&self) -> usize {
        self.windows.get().len()
    }

    /// Serializes everything that the windows have in memory.
    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        self.windows.get().snapshot()
    }

    /// Restores a snapshot. Call this on empty windows only.
    pub(crate) fn restore(&mut self, snapshot: &[u8]) -> Result<(), postcard::Error> {
        self.windows.get_mut().restore(snapshot)
    }

    /// Notes that the next restart begins with a snapshot of the current state, taken while the derived topic
    /// ended at `derived_ends`.
    pub(crate) fn snapshotted(&mut self, derived_ends: &[Offset]) {
        self.lateness.snapshotted();
        if let AnyWindows::Keyed(windows) = &self.windows {
            windows
                .followed_to()
                .into_iter()
                .for_each(|followed_to| self.lateness.retire(followed_to));
            self.revisions.snapshotted(derived_ends);
        }
    }
}

/// Returns the rows that are due, and the records that withdraw earlier rows.
fn corrected(
    windows: &mut dyn Correctable,
    revisions: &mut Revisions,
    watermark: Timestamp,
    due: Due,
    derived_ends: &[Offset],
) -> Result<Vec<Row>, serde_json::Error> {
    let mut rows = Vec::new();
    windows.due(watermark, due, &mut |due| {
        match due {
            DueRows::Row(row) => rows.extend(revisions.next(row, derived_ends)?),
            DueRows::Window(window) => {
                rows.extend(revisions.next_of_window(window, derived_ends)?);
            }
        }
        Ok(())
    })?;
    let end = windows.forgotten_to(watermark);
    let withdrawals = revisions.withdrawals(end, |start, key| windows.is_open(start, key));
    for withdrawal in withdrawals {
        windows.empty(withdrawal.start, &withdrawal.key, &mut |empty| {
            rows.extend(revisions.taken_back(&withdrawal, &empty)?);
            Ok(())
        })?;
    }
    rows.sort_by_key(|row| row.window.start);
    Ok(rows)
}

/// Returns the rows of the detections that are due.
fn detected(
    windows: &mut dyn Keyed,
    revisions: &mut Revisions,
    watermark: Timestamp,
) -> Result<Vec<Row>, serde_json::Error> {
    let mut rows = Vec::new();
    windows.due(watermark, &mut |detection| {
        rows.extend(revisions.detected(detection)?);
        Ok(())
    })?;
    Ok(rows)
}
