//! A pane: its in-memory form and its snapshot form.

use std::collections::BTreeMap;

use client::Offset;
use model::{Merge, RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::output::revisions::{Revision, RowsFrom};

/// The events of one pane, and the state of the window that begins with it.
pub(super) struct Pane<P> {
    pub(super) slots: BTreeMap<RecordKey, Slot<P>>,
    /// Whether all windows that contain this pane are open, not only the one that begins here.
    pub(super) is_open: bool,
    /// The first contributing offset of each partition: a restart must read from there.
    pub(super) first_offsets: Vec<Option<Offset>>,
    /// The number of the last merge that changed this pane.
    pub(super) changed: u64,
    /// The number of the last merge before the window that begins here was emitted.
    pub(super) emitted: Option<u64>,
    /// The mark of the window that begins here.
    pub(super) rows_from: RowsFrom,
}

/// The data of one key in a pane.
pub(super) struct Slot<P> {
    pub(super) partial: P,
    pub(super) events: u64,
    pub(super) duplicates: u64,
    /// The number of the last merge that changed this key.
    pub(super) changed: u64,
    /// The revision of this key's row of the window that begins here.
    pub(super) revision: Revision,
}

/// The snapshot form of a pane.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedPane<P> {
    start: Timestamp,
    first_offsets: Vec<Option<Offset>>,
    slots: Vec<(RecordKey, SavedSlot<P>)>,
}

#[derive(Serialize, Deserialize)]
struct SavedSlot<P> {
    partial: P,
    events: u64,
    duplicates: u64,
}

impl<P> Pane<P> {
    pub(super) fn new(partitions: usize) -> Self {
        Self {
            slots: BTreeMap::new(),
            is_open: false,
            first_offsets: vec![None; partitions],
            changed: 0,
            emitted: None,
            rows_from: RowsFrom::default(),
        }
    }

    /// The snapshot form of the pane that begins at `start`.
    pub(super) fn save(&self, start: Timestamp) -> SavedPane<P>
    where
        P: Merge + Clone,
    {
        let slots = self.slots.iter();
        SavedPane {
            start,
            first_offsets: self.first_offsets.clone(),
            slots: slots
                .map(|(key, slot)| (key.clone(), slot.save()))
                .collect(),
        }
    }
}

impl<P> SavedPane<P> {
    /// Returns the start and the pane, which is marked as changed by the merge `changed`.
    pub(super) fn restore(self, partitions: usize, changed: u64) -> (Timestamp, Pane<P>) {
        let slot = |(key, saved): (RecordKey, SavedSlot<P>)| (key, saved.restore(changed));
        let mut first_offsets = self.first_offsets;
        first_offsets.resize(partitions, None);
        let pane = Pane {
            slots: self.slots.into_iter().map(slot).collect(),
            first_offsets,
            changed,
            ..Pane::new(0)
        };
        (self.start, pane)
    }
}

impl<P> SavedSlot<P> {
    fn restore(self, changed: u64) -> Slot<P> {
        Slot {
            partial: self.partial,
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
            partial,
            events: self.events,
            duplicates: self.duplicates,
        }
    }
}

impl<P: Merge> Default for Slot<P> {
    fn default() -> Self {
        Self {
            partial: P::default(),
            events: 0,
            duplicates: 0,
            changed: 0,
            revision: Revision::default(),
        }
    }
}
