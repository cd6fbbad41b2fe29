//! A pane: its in-memory form and its snapshot form.

use client::Offset;
use model::{Merge, RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::output::revisions::{Revision, RowsFrom, WrittenRows};
use crate::windows::table::{Entry, Table};

/// The events of one pane, and the state of the window that begins with it.
pub(super) struct Pane<P> {
    pub(super) slots: Table<Slot<P>>,
    /// Whether all windows that contain this pane are open, not only the one that begins with it.
    pub(super) is_open: bool,
    /// For each partition, the first offset of the first batch that contributed to this pane. A restart must read
    /// from there.
    pub(super) first_offsets: Vec<Option<Offset>>,
    /// The value of `Panes::merges` when this pane was last changed.
    pub(super) changed: u64,
    /// The value of `Panes::merges` when the window that begins with this pane was last emitted.
    pub(super) emitted: Option<u64>,
    /// The same for the last emission while that window was open.
    pub(super) emitted_early: Option<u64>,
    /// The end offsets of the derived topic just before the first row of the window that begins with this pane was
    /// written.
    pub(super) rows_from: RowsFrom,
    /// The rows of the window that begins with this pane, if they are computed from all keys together.
    pub(super) written: WrittenRows,
}

/// The data of one key in a pane.
pub(super) struct Slot<P> {
    pub(super) key: RecordKey,
    pub(super) partial: P,
    /// Whether an event contributed to `partial`. If not, the slot stores only a revision.
    pub(super) contributed: bool,
    /// The number of events, each counted for one key.
    pub(super) events: u64,
    pub(super) duplicates: u64,
    /// The value of `Panes::merges` when this slot was last changed.
    pub(super) changed: u64,
    /// The revision of this key's row in the window that begins with this pane.
    pub(super) revision: Revision,
}

/// The snapshot form of a pane.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedPane<P> {
    start: Timestamp,
    first_offsets: Vec<Option<Offset>>,
    slots: Vec<SavedSlot<P>>,
}

#[derive(Serialize, Deserialize)]
struct SavedSlot<P> {
    key: RecordKey,
    partial: P,
    events: u64,
    duplicates: u64,
}

impl<P> Pane<P> {
    pub(super) fn new(partitions: usize) -> Self {
        Self {
            slots: Table::new(),
            is_open: false,
            first_offsets: vec![None; partitions],
            changed: 0,
            emitted: None,
            emitted_early: None,
            rows_from: RowsFrom::default(),
            written: WrittenRows::default(),
        }
    }

    /// The snapshot form of the pane that begins at `start`.
    pub(super) fn save(&self, start: Timestamp) -> SavedPane<P>
    where
        P: Merge + Clone,
    {
        let slots = self.slots.values().filter(|slot| slot.contributed);
        SavedPane {
            start,
            first_offsets: self.first_offsets.clone(),
            slots: slots.map(Slot::save).collect(),
        }
    }
}

impl<P> SavedPane<P> {
    /// Returns the start and the pane, which is marked as changed by merge number `changed`.
    pub(super) fn restore(self, partitions: usize, changed: u64) -> (Timestamp, Pane<P>) {
        let mut first_offsets = self.first_offsets;
        first_offsets.resize(partitions, None);
        let mut pane = Pane {
            first_offsets,
            changed,
            ..Pane::new(0)
        };
        for slot in self.slots {
            pane.slots.insert(slot.restore(changed));
        }
        (self.start, pane)
    }
}

impl<P> SavedSlot<P> {
    fn restore(self, changed: u64) -> Slot<P> {
        Slot {
            key: self.key,
            partial: self.partial,
            contributed: true,
            events: self.events,
            duplicates: self.duplicates,
            changed,
            revision: Revision::default(),
        }
    }
}

impl<P: Merge + Clone> Slot<P> {
    fn save(&self) -> SavedSlot<P> {
        let mut partial = self.partial.clone();
        partial.settle();
        SavedSlot {
            key: self.key.clone(),
            partial,
            events: self.events,
            duplicates: self.duplicates,
        }
    }
}

impl<P: Default> Slot<P> {
    pub(super) fn new(key: RecordKey) -> Self {
        Self {
            key,
            partial: P::default(),
            contributed: false,
            events: 0,
            duplicates: 0,
            changed: 0,
            revision: Revision::default(),
        }
    }
}

impl<P> Entry for Slot<P> {
    fn key(&self) -> &str {
        self.key.as_str()
    }
}
