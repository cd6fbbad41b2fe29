//! The windows of one derivation: partials go in; rows come out when a window closes, and again,
//! with the next revision, when late events correct it. A window is kept until it can no longer be
//! corrected, and then forgotten.

use std::collections::BTreeMap;

use model::derived::Derived;
use model::partial::BatchHeader;
use model::{
    BatchPartial, Derivation, Event, Merge, PartialError, RecordKey, Rejection, Timestamp, Window,
};

use crate::standing::Standing;

/// A derived record, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) window_end: Timestamp,
    pub(crate) revision: u32,
}

/// What merging one partial came to.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) header: BatchHeader,
    /// Accepted events that came after their window could be corrected no more.
    pub(crate) late: u64,
    /// The windows of these.
    pub(crate) late_windows: Vec<Window>,
    /// Accepted events that repeat others of their window.
    pub(crate) duplicate: u64,
}

/// What happens to a batch's place in time when it is merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) partition: usize,
    /// Batches before this offset were merged before a restart as well.
    pub(crate) replayed_to: i64,
}

/// [`Windows`] of a derivation that the caller does not know.
pub(crate) trait AnyWindows: Send + Sync {
    /// Merges the partial of one batch.
    fn merge(&mut self, arrived: Arrived, partial: &[u8]) -> Result<Merged, PartialError>;

    /// The rows of every window that ends by `watermark` and has not been emitted yet, and with
    /// `corrections` also of those that were and have changed since; by window and key.
    /// Changes of windows that are about to be forgotten are always among them.
    /// `derived_ends` are the ends of the derived topic, behind which the rows will stand.
    fn emit(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        derived_ends: &[i64],
    ) -> Result<Vec<Row>, serde_json::Error>;

    /// Forgets every window that ended the allowed lateness before `watermark`.
    fn retire(&mut self, watermark: Timestamp);

    /// Takes up where another runner stopped: all windows that could be corrected no more by
    /// `watermark` are gone, and `standing` is what it wrote of the others.
    fn resume(&mut self, watermark: Option<Timestamp>, standing: Standing);

    /// The first offset of a partition that a window in memory holds a contribution of.
    fn rewind_offset(&self, partition: usize) -> Option<i64>;

    /// Where the rows of the windows in memory begin, in the derived topic's partitions.
    fn derived_from(&self, derived_ends: &[i64]) -> Vec<i64>;

    /// Whether a decision that an event was late stands that a restart must know of.
    fn late_stands(&self) -> bool;

    /// The event time of a source record.
    fn event_time(&self, record: &[u8]) -> Result<Timestamp, Rejection>;

    /// The number of (window, key) pairs in memory.
    fn len(&self) -> usize;
}

/// The windows of `D`.
pub(crate) struct Windows<D: Derivation> {
    derivation: D,
    partitions: usize,
    allowed_lateness_ms: i64,
    windows: BTreeMap<Window, KeptWindow<D::Partial>>,
    /// Windows that end by this time are forgotten.
    retired_to: Option<Timestamp>,
    standing: Standing,
}

struct KeptWindow<P> {
    slots: BTreeMap<RecordKey, Slot<P>>,
    /// Per partition, the first offset that contributes: where a restart must read from.
    first_offsets: Vec<Option<i64>>,
    /// The derived topic's ends before the window's first row, once it has been emitted.
    derived_from: Option<Vec<i64>>,
}

struct Slot<P> {
    partial: P,
    events: u64,
    duplicates: u64,
    /// The revision that stands in the derived topic.
    revision: Option<u32>,
    changed: bool,
}

impl<D: Derivation> Windows<D> {
    pub(crate) fn new(derivation: D, partitions: usize, allowed_lateness_ms: i64) -> Self {
        Self {
            derivation,
            partitions,
            allowed_lateness_ms,
            windows: BTreeMap::new(),
            retired_to: None,
            standing: Standing::default(),
        }
    }

    fn retired_by(&self, watermark: Timestamp) -> Timestamp {
        Timestamp::from_millis(watermark.as_millis() - self.allowed_lateness_ms)
    }

    /// What stands of windows that are about to be forgotten, and nothing speaks for it: the events
    /// behind it came too late this time. An empty partial replaces it.
    fn take_back(&mut self, retired: Timestamp) {
        for (window, key) in self.standing.rows_until(retired) {
            let kept = self
                .windows
                .entry(window)
                .or_insert_with(|| KeptWindow::new(self.partitions));
            if !kept.slots.contains_key(key) {
                let slot = Slot {
                    changed: true,
                    ..Slot::default()
                };
                kept.slots.insert(RecordKey::from(key), slot);
            }
        }
    }

    fn is_late(&mut self, window: Window, partition: usize, header: &BatchHeader) -> bool {
        // Asked first, and always: the answer is remembered until the window is retired.
        let was_late =
            self.standing
                .was_late(partition, header.first_offset..header.next_offset, window);
        was_late || self.retired_to.is_some_and(|retired| window.end <= retired)
    }
}

impl<D: Derivation> AnyWindows for Windows<D> {
    fn merge(&mut self, arrived: Arrived, partial: &[u8]) -> Result<Merged, PartialError> {
        let BatchPartial {
            header,
            contributions,
        } = BatchPartial::<D::Partial>::decode(partial)?;
        if header.first_offset == header.next_offset {
            self.standing.lost_source();
        }
        let (mut late, mut late_windows, mut duplicate) = (0, Vec::new(), 0);
        for contribution in contributions {
            let window = contribution.window;
            if self.is_late(window, arrived.partition, &header) {
                late += contribution.events;
                late_windows.push(window);
                continue;
            }
            let kept = self
                .windows
                .entry(window)
                .or_insert_with(|| KeptWindow::new(self.partitions));
            kept.first_offsets[arrived.partition].get_or_insert(header.first_offset);
            let slot = kept.slots.entry(contribution.key).or_default();
            duplicate += slot.merge(&self.derivation, contribution.events, contribution.partial);
        }
        late_windows.dedup();
        if header.next_offset <= arrived.replayed_to {
            (late, duplicate) = (0, 0);
            late_windows.clear();
        }
        Ok(Merged {
            header,
            late,
            late_windows,
            duplicate,
        })
    }

    fn emit(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        derived_ends: &[i64],
    ) -> Result<Vec<Row>, serde_json::Error> {
        let retired = self.retired_by(watermark);
        self.take_back(retired);
        let mut rows = Vec::new();
        for (window, kept) in &mut self.windows {
            let corrects = kept.derived_from.is_some();
            let last_chance = window.end <= retired;
            if window.end > watermark || (corrects && !corrections && !last_chance) {
                continue;
            }
            kept.derived_from
                .get_or_insert_with(|| derived_ends.to_vec());
            for (key, slot) in kept.slots.iter_mut().filter(|(_, slot)| slot.changed) {
                rows.extend(slot.row(&self.derivation, *window, key, &self.standing)?);
            }
        }
        Ok(rows)
    }

    fn retire(&mut self, watermark: Timestamp) {
        let retired = self.retired_by(watermark);
        self.retired_to = self.retired_to.max(Some(retired));
        while let Some(entry) = self
            .windows
            .first_entry()
            .filter(|entry| entry.key().end <= retired)
        {
            entry.remove();
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
        self.windows
            .values()
            .filter_map(|kept| kept.first_offsets[partition])
            .min()
    }

    fn derived_from(&self, derived_ends: &[i64]) -> Vec<i64> {
        let mut from = derived_ends.to_vec();
        let emitted = self
            .windows
            .values()
            .filter_map(|kept| kept.derived_from.as_deref());
        // What stands may belong to windows that have not come up again yet.
        for kept in emitted.chain(self.standing.rows_from()) {
            from.iter_mut()
                .zip(kept)
                .for_each(|(from, kept)| *from = (*from).min(*kept));
        }
        from
    }

    fn late_stands(&self) -> bool {
        self.standing.has_late()
    }

    fn event_time(&self, record: &[u8]) -> Result<Timestamp, Rejection> {
        D::Event::parse(record).map(|event| event.time())
    }

    fn len(&self) -> usize {
        self.windows.values().map(|kept| kept.slots.len()).sum()
    }
}

impl<P> KeptWindow<P> {
    fn new(partitions: usize) -> Self {
        Self {
            slots: BTreeMap::new(),
            first_offsets: vec![None; partitions],
            derived_from: None,
        }
    }
}

impl<P: Merge> Default for Slot<P> {
    fn default() -> Self {
        Self {
            partial: P::default(),
            events: 0,
            duplicates: 0,
            revision: None,
            changed: false,
        }
    }
}

impl<P: Merge> Slot<P> {
    /// Adds a contribution; the number of duplicates that this brought to light.
    fn merge<D: Derivation<Partial = P>>(
        &mut self,
        derivation: &D,
        events: u64,
        partial: P,
    ) -> u64 {
        self.partial.merge(partial);
        self.events += events;
        self.changed = true;
        let before = self.duplicates;
        self.duplicates = derivation.duplicates(&mut self.partial, self.events);
        self.duplicates.saturating_sub(before)
    }

    /// The row of the next revision; `None` where there is nothing to say, or where it stands.
    fn row<D: Derivation<Partial = P>>(
        &mut self,
        derivation: &D,
        window: Window,
        key: &RecordKey,
        standing: &Standing,
    ) -> Result<Option<Row>, serde_json::Error> {
        self.changed = false;
        if standing.is_final(window, key.as_str()) {
            return Ok(None);
        }
        let Some(measures) = derivation.finish(window, key, &self.partial) else {
            return Ok(None);
        };
        let mut derived = Derived::new(window, measures, 0);
        if self.revision.is_none()
            && let Some(row) = standing.row(window, key.as_str())
        {
            self.revision = Some(row.revision);
            derived.revision = row.revision;
            if serde_json::to_vec(&derived)? == row.value {
                return Ok(None);
            }
        }
        derived.revision = self.revision.map_or(0, |revision| revision + 1);
        self.revision = Some(derived.revision);
        let value = serde_json::to_vec(&derived)?;
        Ok(Some(Row {
            key: key.to_string(),
            value,
            window_end: window.end,
            revision: derived.revision,
        }))
    }
}

#[cfg(test)]
mod tests;
