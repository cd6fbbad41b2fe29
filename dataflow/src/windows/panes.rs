//! Windows that are aligned to the epoch. Each is made of panes as long as the hop: one if the
//! windows tumble. A window is kept together with the pane that begins when it does.

mod kept;

use std::collections::{BTreeMap, BTreeSet};

use model::partial::Contribution;
use model::{
    BatchPartial, Derivation, Merge, ParamError, Params, PartialError, RecordKey, Rejection,
    Timestamp, Window,
};

use self::kept::{Pane, SavedPane, Slot};
use super::rows::Row;
use super::{AnyWindows, Arrived, Bounds, Cause, Merged, derived_from, no_other_rules, place};
use crate::standing::Standing;

/// The windows of `D`.
pub(crate) struct Panes<D: Derivation> {
    derivation: D,
    size_ms: i64,
    hop_ms: i64,
    bounds: Bounds,
    /// By their start.
    panes: BTreeMap<Timestamp, Pane<D::Partial>>,
    slots: usize,
    /// Counts merges, so that a window knows what has changed since it was emitted.
    merges: u64,
    /// Windows that end by this time are forgotten.
    retired_to: Option<Timestamp>,
    standing: Standing,
}

impl<D: Derivation> Panes<D> {
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
            standing: Standing::default(),
        }
    }

    fn window(&self, start: Timestamp) -> Window {
        Window {
            start,
            end: start.plus_ms(self.size_ms),
        }
    }

    /// Makes the pane at `start`, and with it the windows that it is part of.
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

    /// Adds a contribution to its pane; the number of duplicates that this brought to light.
    fn add(
        &mut self,
        contribution: Contribution<D::Partial>,
        (partition, offset): (usize, i64),
    ) -> u64 {
        let start = contribution.window.start;
        self.open(start);
        let Some(pane) = self.panes.get_mut(&start) else {
            unreachable!("windows that are not late can be opened");
        };
        pane.first_offsets[partition].get_or_insert(offset);
        pane.changed = self.merges;
        let mut key = contribution.key;
        if self.slots >= self.bounds.entries_max && !pane.slots.contains_key(&key) {
            key = key.any_other();
        }
        let slot = pane.slots.entry(key).or_insert_with(|| {
            self.slots += 1;
            Slot::default()
        });
        slot.changed = self.merges;
        slot.partial.merge(contribution.partial);
        slot.events += contribution.events;
        let before = slot.duplicates;
        slot.duplicates = self.derivation.duplicates(&mut slot.partial, slot.events);
        slot.duplicates.saturating_sub(before)
    }

    /// What stands of windows that are about to be forgotten, and nothing speaks for it: the events
    /// behind it came too late this time. An empty partial replaces it.
    fn take_back(&mut self, retired: Timestamp) {
        let (merges, partitions) = (self.merges, self.bounds.partitions);
        for (start, key) in self.standing.rows_until(retired) {
            let pane = self
                .panes
                .entry(start)
                .or_insert_with(|| Pane::new(partitions));
            if !pane.slots.contains_key(key) {
                let slot = Slot {
                    changed: merges,
                    ..Slot::default()
                };
                pane.changed = merges;
                pane.slots.insert(RecordKey::from(key), slot);
                self.slots += 1;
            }
        }
    }

    fn is_late(
        &mut self,
        window: Window,
        partition: usize,
        offsets: std::ops::Range<i64>,
        key: &RecordKey,
    ) -> bool {
        // Asked first, and always: the answer is remembered until the window is retired.
        let was_late = self.standing.was_late(partition, offsets, window, key);
        let last = self.window(window.start);
        was_late || self.retired_to.is_some_and(|retired| last.end <= retired)
    }

    /// The keys of a window that have changed since it was emitted.
    fn changed_keys(&self, window: Window, since: Option<u64>) -> BTreeSet<RecordKey> {
        let mut changed = BTreeSet::new();
        for pane in self
            .panes_of(window)
            .filter(|pane| since.is_none_or(|since| pane.changed > since))
        {
            let slots = pane
                .slots
                .iter()
                .filter(|(_, slot)| since.is_none_or(|since| slot.changed > since));
            changed.extend(slots.map(|(key, _)| key.clone()));
        }
        changed
    }

    fn panes_of(&self, window: Window) -> impl Iterator<Item = &Pane<D::Partial>> {
        self.panes
            .range(window.start..window.end)
            .map(|(_, pane)| pane)
    }

    /// What a window says of a key; `None` where there is nothing to say.
    fn measures(&self, window: Window, key: &RecordKey) -> Option<D::Output> {
        let mut partials = self
            .panes_of(window)
            .filter_map(|pane| Some(&pane.slots.get(key)?.partial));
        let first = partials.next()?;
        let Some(second) = partials.next() else {
            return self.derivation.finish(window, key, first);
        };
        let mut merged = first.clone();
        merged.merge(second.clone());
        partials.for_each(|partial| merged.merge(partial.clone()));
        self.derivation.finish(window, key, &merged)
    }

    /// Whether a window says something of a key, or has. Where it does not, a pane may hold the key
    /// without events, for the window's sake that begins with it.
    fn speaks_of(&self, window: Window, key: &RecordKey) -> bool {
        let slots =
            |pane: &Pane<D::Partial>| pane.slots.get(key).is_some_and(|slot| slot.events > 0);
        let said = |pane: &Pane<D::Partial>| pane.slots.get(key)?.revision;
        self.panes_of(window).any(slots)
            || self.panes.get(&window.start).and_then(said).is_some()
            || self.standing.row(window.start, key.as_str()).is_some()
    }

    /// The row of a window's next revision; `None` where it stands.
    fn row(&mut self, window: Window, key: &RecordKey) -> Result<Option<Row>, serde_json::Error> {
        if !self.speaks_of(window, key) {
            return Ok(None);
        }
        let measures = self.measures(window, key);
        let (Some(measures), Some(pane)) = (measures, self.panes.get_mut(&window.start)) else {
            return Ok(None);
        };
        let slot = pane.slots.entry(key.clone()).or_insert_with(|| {
            self.slots += 1;
            Slot::default()
        });
        Row::next(key, window, measures, &mut slot.revision, &self.standing)
    }
}

impl<D: Derivation> AnyWindows for Panes<D> {
    fn merge(&mut self, arrived: Arrived, partial: &[u8]) -> Result<Merged, PartialError> {
        let BatchPartial {
            header,
            contributions,
        } = BatchPartial::<D::Partial>::decode(partial)?;
        if header.first_offset == header.next_offset {
            self.standing.lost_source();
        }
        self.merges += 1;
        let offsets = header.first_offset..header.next_offset;
        let mut merged = Merged::of(header);
        for contribution in contributions {
            let (window, key) = (contribution.window, &contribution.key);
            if self.is_late(window, arrived.partition, offsets.clone(), key) {
                merged.add_late(window, contribution.key, contribution.events, Cause::Late);
                continue;
            }
            merged.duplicate += self.add(contribution, (arrived.partition, offsets.start));
        }
        if merged.header.next_offset <= arrived.replayed_to {
            return Ok(merged.uncounted());
        }
        Ok(merged)
    }

    fn emit(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        derived_ends: &[i64],
    ) -> Result<Vec<Row>, serde_json::Error> {
        let retired = self.bounds.retired_by(watermark);
        self.take_back(retired);
        let mut rows = Vec::new();
        let starts: Vec<_> = self.panes.keys().copied().collect();
        for start in starts {
            let window = self.window(start);
            if window.end > watermark {
                break;
            }
            let since = self.panes[&window.start].emitted;
            let last_chance = window.end <= retired;
            if since.is_some() && !corrections && !last_chance {
                continue;
            }
            for key in self.changed_keys(window, since) {
                rows.extend(self.row(window, &key)?);
            }
            let merges = self.merges;
            if let Some(pane) = self.panes.get_mut(&window.start) {
                pane.emitted = Some(merges);
                pane.derived_from
                    .get_or_insert_with(|| derived_ends.to_vec());
            }
        }
        Ok(rows)
    }

    fn retire(&mut self, watermark: Timestamp) {
        let retired = self.bounds.retired_by(watermark);
        self.retired_to = self.retired_to.max(Some(retired));
        let size_ms = self.size_ms;
        while let Some(entry) = self
            .panes
            .first_entry()
            .filter(|entry| entry.key().plus_ms(size_ms) <= retired)
        {
            self.slots -= entry.remove().slots.len();
        }
        self.standing.retire(retired);
    }

    fn resume(&mut self, watermark: Option<Timestamp>, standing: Standing) {
        self.standing = standing;
        watermark
            .into_iter()
            .for_each(|watermark| self.retire(watermark));
    }

    fn rewind_offset(&self, partition: usize) -> Option<i64> {
        self.panes
            .values()
            .filter_map(|pane| pane.first_offsets[partition])
            .min()
    }

    fn derived_from(&self, derived_ends: &[i64]) -> Vec<i64> {
        let panes = self.panes.values();
        let emitted = panes.filter_map(|pane| pane.derived_from.as_deref());
        derived_from(derived_ends, emitted, &self.standing)
    }

    fn late_stands(&self) -> bool {
        self.standing.has_late()
    }

    fn adopt(&mut self, _: &Params, _: &[i64]) -> Result<(), ParamError> {
        no_other_rules()
    }

    fn place(&self, record: &[u8]) -> Result<(Timestamp, RecordKey), Rejection> {
        place(&self.derivation, record)
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

    fn snapshotted(&mut self, _: &[i64]) {}
}
