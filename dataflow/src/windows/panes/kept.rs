//! A pane in memory, and as a snapshot holds it.

use std::collections::BTreeMap;

use model::{Merge, RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

/// The events of one pane, and the window that begins with it.
pub(super) struct Pane<P> {
    pub(super) slots: BTreeMap<RecordKey, Slot<P>>,
    /// Whether all windows that it is part of are there, not just the one that begins here.
    pub(super) is_open: bool,
    /// Per partition, the first offset that contributes: where a restart must read from.
    pub(super) first_offsets: Vec<Option<i64>>,
    /// The last merge that changed it.
    pub(super) changed: u64,
    /// The last merge when the window that begins here was emitted.
    pub(super) emitted: Option<u64>,
    /// The derived topic's ends before that window's first row.
    pub(super) derived_from: Option<Vec<i64>>,
}

/// One key in a pane.
pub(super) struct Slot<P> {
    pub(super) partial: P,
    pub(super) events: u64,
    pub(super) duplicates: u64,
    /// The last merge that changed it.
    pub(super) changed: u64,
    /// The revision that stands in the derived topic, of the window that begins here.
    pub(super) revision: Option<u32>,
}

/// A pane as a snapshot holds it.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedPane<P> {
    start: Timestamp,
    first_offsets: Vec<Option<i64>>,
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
            derived_from: None,
        }
    }

    /// The pane that begins at `start` as a snapshot holds it.
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
    /// Its start and the pane, as if the merge `changed` had made it.
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
            revision: None,
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
            revision: None,
        }
    }
}
