//! The state of a derivation in memory: open windows, sessions, and the states of keyed processes. Contributions
//! are merged into it, and rows are emitted once event time has passed their windows. This module does not access
//! the cluster, does not see the output of earlier runners, and does not remove late contributions.

mod aligned;
mod batch;
mod keyed;
mod sessions;
mod table;

use client::{Offset, Partition, PartitionOffset};
use model::{ParamError, Params, PartialError, RecordKey, Timestamp, Window};

use crate::output::lateness::LatePlace;
use crate::output::revisions::{Displaced, DueDetection, DueRows, EmptyRow, RowsFrom};

pub(crate) use aligned::Panes;
pub(crate) use batch::{Batch, Contributions};
pub(crate) use keyed::KeyedProcesses;
pub(crate) use sessions::Sessions;

/// The settings with which windows of any kind are created. Keyed processes use only `entries_max`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The number of partitions of the source.
    pub(crate) partitions: usize,
    pub(crate) allowed_lateness_ms: i64,
    /// The maximum number of entries in memory: (pane, key) pairs, or sessions, or keys plus waiting facts. A
    /// tumbling window has one pane.
    pub(crate) entries_max: usize,
    /// Whether rows of open windows are emitted. Each row then says whether it is final.
    pub(crate) early: bool,
}

/// Which rows to emit besides the first rows of windows that are over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Due {
    /// Corrections of rows of windows that are over.
    pub(crate) corrections: bool,
    /// The rows of open windows that have changed since they were last emitted.
    pub(crate) early: bool,
}

impl Due {
    /// Corrections, but no early rows.
    pub(crate) const CORRECTIONS: Self = Self {
        corrections: true,
        early: false,
    };
}

impl Bounds {
    /// The value of `final` in the records of windows that are over or not.
    fn is_final(&self, is_over: bool) -> Option<bool> {
        self.early.then_some(is_over)
    }

    /// Windows that end at or before the returned time can no longer be corrected at `watermark`.
    fn retired_by(&self, watermark: Timestamp) -> Timestamp {
        watermark.plus_ms(-self.allowed_lateness_ms)
    }
}

/// The position in the source at which a batch begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) partition: Partition,
    pub(crate) first_offset: Offset,
    /// Whether the batch was already merged before a restart. If so, no contribution is refused for lack of memory:
    /// the lateness stage has already removed those that were refused before the restart.
    pub(crate) is_replayed: bool,
}

impl Origin {
    /// The position of the batch's first record.
    fn first(self) -> PartitionOffset {
        PartitionOffset {
            partition: self.partition,
            offset: self.first_offset,
        }
    }
}

/// The outcome of merging a batch.
#[derive(Default)]
pub(crate) struct MergeOutcome {
    /// The number of events that were found to repeat another event of their pane or session.
    pub(crate) duplicate: u64,
    /// Contributions that did not fit into memory, each with its number of events.
    pub(crate) no_room: Vec<(LatePlace, u64)>,
}

/// Open windows of any kind.
///
/// - Merging is associative and commutative: any order of batches and partitions gives the same rows.
/// - Windows that are restored from a snapshot give the same rows as the windows from which it was taken.
pub(crate) trait Windows: Send + Sync {
    /// Reads the partial of one batch.
    fn decode(&self, partial: &[u8]) -> Result<Batch, PartialError>;

    /// Whether [`Self::is_over`] may return true for a contribution whose events are not before `earliest`.
    fn may_be_over(&self, earliest: Timestamp) -> bool;

    /// Whether a contribution with this span and key is too late to be merged. `is_replayed` is
    /// [`Origin::is_replayed`] of its batch.
    fn is_over(&self, span: Window, key: &str, is_replayed: bool) -> bool;

    /// Merges contributions that the same windows have decoded with [`Windows::decode`]. Calls `on_displaced` for each
    /// session that has been merged into a session with a different start.
    fn merge(
        &mut self,
        contributions: Contributions,
        origin: Origin,
        on_displaced: &mut OnDisplaced<'_>,
    ) -> MergeOutcome;

    /// Resumes from an earlier runner's `watermark`. Windows that ended by `closed_to` were computed from an
    /// earlier log of the source and must not be changed.
    fn resume(&mut self, watermark: Option<Timestamp>, closed_to: Option<Timestamp>);

    /// The offset from which the partition has to be read to compute the entries in memory again; `None` if no batch
    /// of the partition contributes to one of them.
    fn rewind_offset(&self, partition: Partition) -> Option<Offset>;

    /// The number of entries in memory, as limited by [`Bounds::entries_max`].
    fn len(&self) -> usize;

    /// Serializes everything in memory.
    fn snapshot(&self) -> Result<Vec<u8>, postcard::Error>;

    /// Restores a snapshot. Call this on empty windows only.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), postcard::Error>;
}

/// Called with each row that is due, or with all rows of a window if they are computed together.
pub(crate) type OnRows<'a> = dyn FnMut(DueRows<'_>) -> Result<(), serde_json::Error> + 'a;

/// Receives the sessions that have been merged into a session with a different start.
pub(crate) type OnDisplaced<'a> = dyn FnMut(Displaced<'_>) + 'a;

/// Called with each detection.
pub(crate) type OnDetection<'a> = dyn FnMut(DueDetection<'_>) -> Result<(), serde_json::Error> + 'a;

/// Called with the row of an empty window.
pub(crate) type OnEmpty<'a> = dyn FnMut(EmptyRow<'_>) -> Result<(), serde_json::Error> + 'a;

/// Windows whose rows are corrected when further events arrive, until the allowed lateness has passed.
pub(crate) trait Correctable: Windows {
    /// Whether lateness depends on the order in which events arrive. If so, a restart cannot recompute it.
    fn is_late_by_order(&self) -> bool;

    /// Whether [`Self::due`] may emit rows. The default is that it may.
    fn has_due(&self, _watermark: Timestamp, _due: Due) -> bool {
        true
    }

    /// Emits the rows of windows that are over at `watermark` and have changed since they were last emitted.
    /// A row is emitted as soon as its window is over; corrections of it are emitted only if they are due, or just
    /// before the window is forgotten. If early rows are due, also emits the changed rows of open windows.
    fn due(
        &mut self,
        watermark: Timestamp,
        due: Due,
        on_rows: &mut OnRows<'_>,
    ) -> Result<(), serde_json::Error>;

    /// Forgets windows that can no longer be corrected at `watermark`.
    fn retire(&mut self, watermark: Timestamp);

    /// Windows that end at or before the returned time are forgotten at `watermark`, and are not opened again.
    fn forgotten_to(&self, watermark: Timestamp) -> Timestamp;

    /// Whether a window in memory begins at `start` and has events of this key.
    fn is_open(&self, start: Timestamp, key: &str) -> bool;

    /// Emits the row of the window at `start` for a key without events in it. Emits nothing if the derivation writes no
    /// such row. The caller makes sure that no window in memory begins at `start` and has events of this
    /// key.
    fn empty(
        &self,
        start: Timestamp,
        key: &RecordKey,
        on_empty: &mut OnEmpty<'_>,
    ) -> Result<(), serde_json::Error>;

    /// The [`RowsFrom`] of each window in memory.
    fn rows_from(&self) -> Box<dyn Iterator<Item = &RowsFrom> + '_>;
}

/// The states of a keyed process. A *fact* is an event, reduced to the data that the process needs. Late events
/// never correct a detection.
pub(crate) trait Keyed: Windows {
    /// Processes all facts before `watermark` and all timers up to it, and emits the detections, ordered by span
    /// and key.
    fn due(
        &mut self,
        watermark: Timestamp,
        on_detection: &mut OnDetection<'_>,
    ) -> Result<(), serde_json::Error>;

    /// The time before which all facts have been processed.
    fn followed_to(&self) -> Option<Timestamp>;

    /// Switches to other parameters, starting with the records at these offsets of the source partitions.
    fn adopt(&mut self, params: &Params, from: &[Offset]) -> Result<(), ParamError>;
}

/// The open windows of a derivation, of any kind.
pub(crate) enum AnyWindows {
    Correctable(Box<dyn Correctable>),
    Keyed(Box<dyn Keyed>),
}

impl AnyWindows {
    pub(crate) fn get(&self) -> &dyn Windows {
        match self {
            Self::Correctable(windows) => windows.as_ref(),
            Self::Keyed(windows) => windows.as_ref(),
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Windows {
        match self {
            Self::Correctable(windows) => windows.as_mut(),
            Self::Keyed(windows) => windows.as_mut(),
        }
    }

    /// Uses other parameters for the records from these offsets on, one offset for each source partition. Returns
    /// an error for windows that can be corrected: their rows would mix the results of both sets of parameters.
    pub(crate) fn adopt(&mut self, params: &Params, from: &[Offset]) -> Result<(), ParamError> {
        match self {
            Self::Keyed(windows) => windows.adopt(params, from),
            Self::Correctable(_) => Err(ParamError::Refused {
                name: "rules".to_owned(),
                value: "a new version".to_owned(),
                problem: "only derivations that process events one by one accept new rules"
                    .to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
