//! Windows aligned to the epoch. Each window consists of panes as long as the hop; a tumbling window has a single
//! pane. The state of a window, such as the revisions of its rows, is stored with the window's first pane.

mod by_window;
mod due;
mod pane;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::vec;

use client::{Offset, Partition};
use model::partial::Contribution;
use model::{BatchPartial, Merge, PartialError, RecordKey, Timestamp, Window, Windowed};

use self::pane::{Pane, SavedPane, Slot};
use super::{
    Batch, Bounds, Contributions, Correctable, MergeOutcome, OnDisplaced, Origin, Windows,
};

/// The open windows of derivation `D`.
pub(crate) struct Panes<D: Windowed> {
    derivation: D,
    size_ms: i64,
    hop_ms: i64,
    bounds: Bounds,
    /// Panes by their start.
    panes: BTreeMap<Timestamp, Pane<D::Partial>>,
    /// The number of slots in all panes. A slot is a (pane, key) pair.
    slots: usize,
    /// The number of merges so far. A pane or slot stores this number when it changes, and a window stores it when it
    /// is emitted. Comparing the two numbers shows what has changed since the last emission.
    merges: u64,
    /// Windows that end by this time are forgotten.
    retired_to: Option<Timestamp>,
}

impl<D: Windowed> Panes<D> {
    pub(crate) fn new(derivation: D, size_ms: i64, hop_ms: i64, bounds: Bounds) -> Self {
        Self {
            derivation,
            size_ms,
            hop_ms,
            bounds,
            panes: BTreeMap::new(),
            slots: 0,
            merges: 0,
            retired_to: None,
        }
    }

    fn window(&self, start: Timestamp) -> Window {
        Window {
            start,
            end: start.plus_ms(self.size_ms),
        }
    }

    /// Opens the pane at `start`, and all windows that contain the pane and are not forgotten.
    fn open(&mut self, start: Timestamp) {
        if self.panes.get(&start).is_some_and(|pane| pane.is_open) {
            return;
        }
        let mut first = start.plus_ms(self.hop_ms - self.size_ms);
        while first <= start {
            let end = first.plus_ms(self.size_ms);
            if self.retired_to.is_none_or(|retired| end > retired) {
                let pane = || Pane::new(self.bounds.partitions);
                self.panes.entry(first).or_insert_with(pane);
            }
            first = first.plus_ms(self.hop_ms);
        }
        if let Some(pane) = self.panes.get_mut(&start) {
            pane.is_open = true;
        }
    }

    /// Adds the next contributions of a batch that belong to one pane. Returns the number of newly found duplicates;
    /// `None` if there are no more contributions.
    fn add_pane(
        &mut self,
        keys: &str,
        contributions: &mut vec::IntoIter<Contribution<D::Partial>>,
        origin: Origin,
    ) -> Option<u64> {
        let start = contributions.as_slice().first()?.window.start;
        let is_its = |next: &Contribution<_>| next.window.start == start;
        self.open(start);
        let Some(pane) = self.panes.get_mut(&start) else {
            unreachable!("windows that are not late can be opened");
        };
        pane.first_offsets[origin.partition.index()].get_or_insert(origin.first_offset);
        pane.changed = self.merges;
        let mut duplicates = 0;
        while contributions.as_slice().first().is_some_and(is_its)
            && let Some(contribution) = contributions.next()
        {
            let key = contribution.key.of(keys);
            let is_full = self.slots >= self.bounds.entries_max;
            let has_no_room = is_full && pane.slots.number_of(key).is_none();
            let other = has_no_room.then(|| RecordKey::from(key).any_other());
            let key = other.as_ref().map_or(key, RecordKey::as_str);
            let slot = pane.slots.find_or_insert(key, || {
                self.slots += 1;
                Slot::new(key.into())
            });
            slot.changed = self.merges;
            slot.partial.merge(contribution.partial);
            slot.contributed = true;
            slot.events += contribution.events;
            let before = slot.duplicates;
            slot.duplicates = self.derivation.duplicates(&mut slot.partial, slot.events);
            duplicates += slot.duplicates.saturating_sub(before);
        }
        Some(duplicates)
    }

    fn panes_of(&self, window: Window) -> impl Iterator<Item = &Pane<D::Partial>> {
        self.panes
            .range(window.start..window.end)
            .map(|(_, pane)| pane)
    }

    /// The partial of one key in a window, merged from its panes; `None` if no pane has a slot for the key.
    fn partial(&self, window: Window, key: &RecordKey) -> Option<Cow<'_, D::Partial>> {
        let mut partials = self
            .panes_of(window)
            .filter_map(|pane| Some(&pane.slots.find(key.as_str())?.partial));
        let first = partials.next()?;
        let Some(second) = partials.next() else {
            return Some(Cow::Borrowed(first));
        };
        let mut merged = first.clone();
        merged.merge(second.clone());
        partials.for_each(|partial| merged.merge(partial.clone()));
        Some(Cow::Owned(merged))
    }

    /// Whether a window has events of a key. A pane may also have a slot to which no event contributed. Such a slot
    /// stores only the revision of the key's row in the window that begins with the pane.
    fn has_events(&self, window: Window, key: &str) -> bool {
        let has_events =
            |pane: &Pane<D::Partial>| pane.slots.find(key).is_some_and(|slot| slot.contributed);
        self.panes_of(window).any(has_events)
    }
}

impl<D: Windowed> Windows for Panes<D> {
    fn decode(&self, partial: &[u8]) -> Result<Batch, PartialError> {
        BatchPartial::<D::Partial>::decode(partial).map(Batch::from)
    }

    /// The pane of an event begins less than a hop before the event.
    fn may_be_over(&self, earliest: Timestamp) -> bool {
        let last = self.window(earliest.plus_ms(-self.hop_ms));
        self.retired_to.is_some_and(|retired| last.end <= retired)
    }

    /// The contribution belongs to all windows that contain the pane at the span's start. It is too late if the last
    /// of them, which starts with this pane, is forgotten.
    fn is_over(&self, span: Window, _: &str, _: bool) -> bool {
        let last = self.window(span.start);
        self.retired_to.is_some_and(|retired| last.end <= retired)
    }

    fn merge(
        &mut self,
        contributions: Contributions,
        origin: Origin,
        _: &mut OnDisplaced<'_>,
    ) -> MergeOutcome {
        self.merges += 1;
        let (keys, contributions) = contributions.of::<Vec<Contribution<D::Partial>>>();
        let mut contributions = contributions.into_iter();
        let mut outcome = MergeOutcome::default();
        while let Some(found) = self.add_pane(&keys, &mut contributions, origin) {
            outcome.duplicate += found;
        }
        outcome
    }

    fn resume(&mut self, watermark: Option<Timestamp>, closed_to: Option<Timestamp>) {
        self.retired_to = closed_to;
        watermark
            .into_iter()
            .for_each(|watermark| self.retire(watermark));
    }

    fn rewind_offset(&self, partition: Partition) -> Option<Offset> {
        self.panes
            .values()
            .filter_map(|pane| pane.first_offsets[partition.index()])
            .min()
    }

    fn len(&self) -> usize {
        self.slots
    }

    fn snapshot(&self) -> Result<Vec<u8>, postcard::Error> {
        let panes = self.panes.iter();
        let saved: Vec<_> = panes.map(|(start, pane)| pane.save(*start)).collect();
        postcard::to_stdvec(&saved)
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), postcard::Error> {
        self.merges += 1;
        for saved in postcard::from_bytes::<Vec<SavedPane<D::Partial>>>(snapshot)? {
            let (start, pane) = saved.restore(self.bounds.partitions, self.merges);
            self.slots += pane.slots.len();
            self.panes.insert(start, pane);
        }
        Ok(())
    }
}
