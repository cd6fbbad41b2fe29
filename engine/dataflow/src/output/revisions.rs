//! The stage that numbers the revisions of rows. It skips rows that an earlier runner has already written,
//! corrects rows that differ, and withdraws rows that no longer have events.

mod by_window;
mod encoder;

use client::Offset;
use model::{RecordKey, Timestamp, Window};

use self::encoder::Encoder;
use super::offsets::padded;
use super::prior::PriorRows;

pub(crate) use by_window::{DueWindow, WrittenRows};
pub(crate) use encoder::{Envelope, Measures};

/// A derived record that is ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) window: Window,
    pub(crate) revision: u32,
    /// Whether the window was still open.
    pub(crate) is_early: bool,
}

/// The last revision of one row that this runner wrote, or that it found in the derived topic. It is stored with
/// the row's window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Revision {
    /// None is known.
    #[default]
    Unknown,
    Written(u32),
    /// The last revision withdraws the row.
    Withdrawn(u32),
}

impl Revision {
    /// Creates a revision with this number.
    fn new(number: u32, withdrawn: bool) -> Self {
        if withdrawn {
            Self::Withdrawn(number)
        } else {
            Self::Written(number)
        }
    }

    pub(crate) fn is_some(self) -> bool {
        self.number().is_some()
    }

    fn number(self) -> Option<u32> {
        match self {
            Self::Unknown => None,
            Self::Written(number) | Self::Withdrawn(number) => Some(number),
        }
    }

    fn is_withdrawn(self) -> bool {
        matches!(self, Self::Withdrawn(_))
    }
}

/// The end offsets of the derived topic just before the first row of a window was written. They are stored with the
/// window: a restart reads the rows of the window back from these offsets on.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowsFrom(Option<Box<[Offset]>>);

impl RowsFrom {
    /// Keeps, for each partition, the smaller of the two offsets.
    pub(crate) fn join(&mut self, other: Self) {
        self.0 = match (self.0.take(), other.0) {
            (Some(a), Some(b)) => Some(a.iter().zip(&b).map(|(a, b)| *a.min(b)).collect()),
            (a, b) => a.or(b),
        };
    }
}

/// What is due: a row, or all rows of a window together.
pub(crate) enum DueRows<'w> {
    Row(DueRow<'w>),
    Window(DueWindow<'w>),
}

/// A row that is due. `revision` and `rows_from` are stored with its window, but only this stage changes them.
pub(crate) struct DueRow<'w> {
    pub(crate) key: &'w RecordKey,
    pub(crate) window: Window,
    pub(crate) measures: &'w dyn Measures,
    /// Whether the window and key have a row. If not, a row that was written before is withdrawn.
    pub(crate) kept: bool,
    /// As in [`Envelope`].
    pub(crate) is_final: Option<bool>,
    pub(crate) revision: &'w mut Revision,
    pub(crate) rows_from: &'w mut RowsFrom,
}

/// A detection of a keyed process. The process, not this stage, numbers the revisions of its detections.
pub(crate) struct DueDetection<'w> {
    pub(crate) key: &'w RecordKey,
    pub(crate) span: Window,
    pub(crate) revision: u32,
    pub(crate) measures: &'w dyn Measures,
}

/// A row of a window that no longer has events of its key.
pub(crate) struct EmptyRow<'w> {
    pub(crate) window: Window,
    pub(crate) measures: &'w dyn Measures,
    /// Whether the record is marked as withdrawn. Rows of sessions are, because their events may now be in another row,
    /// and rows that the derivation does not keep.
    pub(crate) withdrawn: bool,
    /// As in [`Envelope`].
    pub(crate) is_final: Option<bool>,
}

/// A window that has been merged into another one with a different start.
pub(crate) struct Displaced<'w> {
    pub(crate) start: Timestamp,
    pub(crate) key: &'w str,
    pub(crate) revision: Revision,
}

/// A row to withdraw, with its last revision.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawal {
    pub(crate) start: Timestamp,
    pub(crate) key: RecordKey,
    revision: u32,
}

/// Numbers the rows of one derivation.
///
/// - Each revision of a row is written once, whichever runner writes it.
/// - The revisions of a row are 0, 1, 2 …, without gaps; each differs from the one before it.
/// - An earlier runner's row that belongs to no window in memory is withdrawn before it is forgotten.
/// - An earlier runner's row is left unchanged if retention removed source records that may belong to it.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    prior: PriorRows,
    displaced: Vec<Withdrawal>,
    /// The offsets of the derived topic from which a restart looks for detections: those of the resumed checkpoint,
    /// until [`Self::snapshotted`] advances them.
    detections_from: Vec<Offset>,
    encoder: Encoder,
}

impl Revisions {
    /// Takes over the rows of an earlier runner.
    pub(crate) fn resume(&mut self, prior: PriorRows) {
        self.detections_from = prior.looked_from().to_vec();
        self.prior = prior;
    }

    /// Notes that retention removed source records before they were read.
    pub(crate) fn lost_source(&mut self) {
        self.prior.lost_source();
    }

    /// Returns the next revision of a row; `None` if an earlier runner has already written the same content, or if
    /// the row must not be changed. `ends` are the current end offsets of the derived topic.
    pub(crate) fn next(
        &mut self,
        row: DueRow<'_>,
        ends: &[Offset],
    ) -> Result<Option<Row>, serde_json::Error> {
        let (start, key) = (row.window.start, row.key.as_str());
        row.rows_from.0.get_or_insert_with(|| ends.into());
        if self.prior.is_final(start, key) {
            return Ok(None);
        }
        let envelope = |revision| Envelope {
            window: row.window,
            revision,
            withdrawn: !row.kept,
            is_final: row.is_final,
        };
        let prior = self.prior.row(start, key);
        let is_early = row.is_final == Some(false);
        if is_early && prior.is_some_and(|prior| !prior.is_early) {
            // The earlier runner had read more: for it, the window was over.
            return Ok(None);
        }
        if let (None, Some(prior)) = (row.revision.number(), prior) {
            *row.revision = Revision::new(prior.revision, prior.withdrawn);
            let envelope = envelope(prior.revision);
            if self.encoder.row(row.measures, envelope)? == prior.value {
                return Ok(None);
            }
        }
        let has_row = row.revision.is_some() && !row.revision.is_withdrawn();
        if !row.kept && !has_row {
            return Ok(None);
        }
        let revision = row.revision.number().map_or(0, |revision| revision + 1);
        *row.revision = Revision::new(revision, !row.kept);
        self.prior.ends_at(start, key, row.window.end);
        if !row.kept {
            self.prior.withdraw(start, key, revision);
        }
        Ok(Some(Row {
            key: key.to_owned(),
            value: self.encoder.row(row.measures, envelope(revision))?.to_vec(),
            window: row.window,
            revision,
            is_early,
        }))
    }

    /// Returns the row of a detection; `None` if an earlier runner has already written it.
    pub(crate) fn detected(
        &mut self,
        detection: DueDetection<'_>,
    ) -> Result<Option<Row>, serde_json::Error> {
        let DueDetection {
            key,
            span,
            revision,
            measures,
        } = detection;
        let prior = self.prior.row(span.start, key.as_str());
        if let Some(last) = prior.map(|row| row.revision)
            && last >= revision
        {
            // The row is remembered until its last revision has been computed again, however long that takes.
            if last == revision {
                self.prior.forget(span.start, key.as_str());
            }
            return Ok(None);
        }
        let envelope = Envelope {
            window: span,
            revision,
            withdrawn: false,
            is_final: None,
        };
        Ok(Some(Row {
            key: key.as_str().to_owned(),
            value: self.encoder.row(measures, envelope)?.to_vec(),
            window: span,
            revision,
            is_early: false,
        }))
    }

    /// Notes that a window has been merged into another one: its row, if it was written, has to be withdrawn.
    pub(crate) fn displaced(&mut self, displaced: Displaced<'_>) {
        let Displaced {
            start,
            key,
            revision,
        } = displaced;
        let prior = || self.prior.row(start, key);
        let prior = || prior().filter(|row| !row.withdrawn).map(|row| row.revision);
        if revision.is_withdrawn() {
            return;
        }
        if let Some(revision) = revision.number().or_else(prior) {
            self.displaced.push(Withdrawal {
                start,
                key: key.into(),
                revision,
            });
        }
    }

    /// Returns the rows to withdraw: those of displaced windows, and those of an earlier runner whose windows
    /// end by `end` and are not in memory. `is_open` returns whether the window with a start and key is in
    /// memory.
    pub(crate) fn withdrawals(
        &mut self,
        end: Timestamp,
        is_open: impl Fn(Timestamp, &str) -> bool,
    ) -> Vec<Withdrawal> {
        let mut withdrawals = std::mem::take(&mut self.displaced);
        for (start, key, row) in self.prior.rows_until(end) {
            let is_its = |other: &Withdrawal| other.start == start && other.key.as_str() == key;
            if !is_open(start, key) && !withdrawals.iter().any(is_its) {
                withdrawals.push(Withdrawal {
                    start,
                    key: RecordKey::from(key),
                    revision: row.revision,
                });
            }
        }
        withdrawals
    }

    /// Returns the record that withdraws a row; `None` if an earlier runner has already written it.
    pub(crate) fn taken_back(
        &mut self,
        withdrawal: &Withdrawal,
        row: &EmptyRow<'_>,
    ) -> Result<Option<Row>, serde_json::Error> {
        let (start, key) = (withdrawal.start, withdrawal.key.as_str());
        let envelope = |revision| Envelope {
            window: row.window,
            revision,
            withdrawn: row.withdrawn,
            is_final: row.is_final,
        };
        let prior = self.prior.row(start, key);
        if let Some(prior) = prior.filter(|prior| prior.revision == withdrawal.revision)
            && self.encoder.row(row.measures, envelope(prior.revision))? == prior.value
        {
            return Ok(None);
        }
        let revision = withdrawal.revision + 1;
        self.prior.withdraw(start, key, revision);
        Ok(Some(Row {
            key: key.to_owned(),
            value: self.encoder.row(row.measures, envelope(revision))?.to_vec(),
            window: row.window,
            revision,
            is_early: false,
        }))
    }

    /// Forgets an earlier runner's rows whose windows end at or before `end`, except rows of windows that are in memory
    /// (`is_open`).
    pub(crate) fn retire(&mut self, end: Timestamp, is_open: impl Fn(Timestamp, &str) -> bool) {
        self.prior.retire_unless(end, is_open);
    }

    /// Returns the offsets from which a restart must read the derived topic, whose current end offsets are `ends`.
    /// For each partition it is the smallest offset at which there may be a row of one of the `windows`, or a row
    /// of an earlier runner that may be computed again.
    pub(crate) fn rows_from<'w>(
        &self,
        ends: &[Offset],
        windows: impl Iterator<Item = &'w RowsFrom>,
    ) -> Vec<Offset> {
        let mut least = ends.to_vec();
        let windows = windows.filter_map(|rows_from| rows_from.0.as_deref());
        for offsets in windows.chain(self.prior.rows_from()) {
            let partitions = least.iter_mut().zip(offsets);
            partitions.for_each(|(least, offset)| *least = (*least).min(*offset));
        }
        least
    }

    /// Returns the offsets from which a restart must read the derived topic to find detections. `ends` are its
    /// current end offsets. [`Self::snapshotted`] advances the returned offsets.
    pub(crate) fn detections_from(&self, ends: &[Offset]) -> Vec<Offset> {
        padded(&self.detections_from, ends.len())
    }

    /// Notes that a snapshot was taken while the derived topic ended at `ends`. The next restart looks for
    /// detections from these offsets on, unless detections of an earlier runner may still be computed again.
    pub(crate) fn snapshotted(&mut self, ends: &[Offset]) {
        if self.prior.rows_from().is_none() {
            self.detections_from = ends.to_vec();
        }
    }
}
