//! What stands in the output topics behind the last checkpoint: written by a runner that did not
//! live to say so. Whoever takes over must neither write it again nor contradict it; and as long as
//! some of it may still come up, the next checkpoint must not say that it has been dealt with.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use model::{RecordKey, Timestamp, Window};

use crate::position::padded;

/// Derived rows, and decisions that events were late.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// By the start of their windows, then by key: there is one window of a key that starts then.
    rows: BTreeMap<Timestamp, HashMap<String, StandingRow>>,
    /// The end, start and key of the window of each: a look for those that are over must not touch
    /// all of them.
    ends: BTreeSet<(Timestamp, Timestamp, String)>,
    late: BTreeMap<(usize, i64), Late>,
    /// The offsets behind which the rows stand.
    rows_from: Vec<i64>,
    /// Whether source records behind them are lost.
    source_lost: bool,
}

/// The last revision of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StandingRow {
    pub(crate) window_end: Timestamp,
    pub(crate) revision: u32,
    pub(crate) withdrawn: bool,
    pub(crate) value: Vec<u8>,
}

#[derive(Debug)]
struct Late {
    event_time: Timestamp,
    /// Of earlier versions' records nothing but the time is known.
    key: Option<RecordKey>,
    /// The end of its window, once its batch has been merged again.
    window_end: Option<Timestamp>,
}

impl Standing {
    /// What stands behind these offsets of the derived topic's partitions: nothing so far.
    pub(crate) fn behind(rows_from: &[i64]) -> Self {
        Self {
            rows_from: rows_from.to_vec(),
            ..Self::default()
        }
    }

    /// The offsets behind which rows stand, as long as there are any.
    pub(crate) fn rows_from(&self) -> Option<&[i64]> {
        (!self.rows.is_empty()).then_some(&self.rows_from)
    }

    /// The offsets behind which rows were looked for.
    pub(crate) fn looked_from(&self) -> &[i64] {
        &self.rows_from
    }

    /// Whether an event was late whose window is not forgotten yet: nothing else says that it was.
    pub(crate) fn has_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Notes a row; of several revisions the last one counts.
    pub(crate) fn add_row(&mut self, window_start: Timestamp, key: String, row: StandingRow) {
        let stands = self.row(window_start, &key).map(|row| row.revision);
        if stands.is_some_and(|revision| revision >= row.revision) {
            return;
        }
        self.forget_row(window_start, &key);
        self.ends
            .insert((row.window_end, window_start, key.clone()));
        self.rows.entry(window_start).or_default().insert(key, row);
    }

    /// Notes that the event at this place was late.
    pub(crate) fn add_late(
        &mut self,
        (partition, offset): (usize, i64),
        event_time: Timestamp,
        key: Option<RecordKey>,
    ) {
        let late = Late {
            event_time,
            key,
            window_end: None,
        };
        self.late.insert((partition, offset), late);
    }

    pub(crate) fn row(&self, window_start: Timestamp, key: &str) -> Option<&StandingRow> {
        self.rows.get(&window_start)?.get(key)
    }

    /// Retention has removed source records: windows made again may lack some, so what stands is
    /// more than could be said now.
    pub(crate) fn lost_source(&mut self) {
        self.source_lost = true;
    }

    /// Whether a row of this place stands that must stay as it is.
    pub(crate) fn is_final(&self, window_start: Timestamp, key: &str) -> bool {
        self.source_lost && self.row(window_start, key).is_some()
    }

    /// The places of the rows of windows that end by this time, unless they must stay or are
    /// withdrawn already.
    pub(crate) fn rows_until(&self, end: Timestamp) -> impl Iterator<Item = (Timestamp, &str)> {
        let over = self.ends.iter().take_while(move |(at, ..)| *at <= end);
        over.filter(move |(_, start, key)| {
            let row = self.row(*start, key);
            !self.source_lost && *start < end && row.is_some_and(|row| !row.withdrawn)
        })
        .map(|(_, start, key)| (*start, key.as_str()))
    }

    /// Whether an event of `window` and `key` among these offsets was late; all of them are then.
    pub(crate) fn was_late(
        &mut self,
        partition: usize,
        offsets: Range<i64>,
        window: Window,
        key: &RecordKey,
    ) -> bool {
        let places = (partition, offsets.start)..(partition, offsets.end);
        let mut was_late = false;
        for (_, late) in self.late.range_mut(places) {
            let is_its = late.key.as_ref().is_none_or(|late| late == key);
            if is_its && window.contains(late.event_time) {
                late.window_end = Some(window.end);
                was_late = true;
            }
        }
        was_late
    }

    /// Notes that a row is taken back by this revision.
    pub(crate) fn withdraw(&mut self, window_start: Timestamp, key: &str, revision: u32) {
        let rows = self.rows.get_mut(&window_start);
        if let Some(row) = rows.and_then(|rows| rows.get_mut(key)) {
            (row.withdrawn, row.revision) = (true, revision);
        }
    }

    /// Forgets a row: it comes up no more.
    pub(crate) fn forget_row(&mut self, window_start: Timestamp, key: &str) {
        let Some(rows) = self.rows.get_mut(&window_start) else {
            return;
        };
        if let Some((key, row)) = rows.remove_entry(key) {
            self.ends.remove(&(row.window_end, window_start, key));
        }
        if rows.is_empty() {
            self.rows.remove(&window_start);
        }
    }

    /// Forgets what concerns windows that end by `retired`: they come up no more.
    pub(crate) fn retire(&mut self, retired: Timestamp) {
        self.retire_unless(retired, |_, _| false);
    }

    /// The same but for rows that are needed all the same, by their window's start and key.
    pub(crate) fn retire_unless(
        &mut self,
        retired: Timestamp,
        is_needed: impl Fn(Timestamp, &str) -> bool,
    ) {
        let over = self.ends.iter().take_while(|(end, ..)| *end <= retired);
        let forgotten = over.filter(|(_, start, key)| !is_needed(*start, key));
        for (_, start, key) in forgotten.cloned().collect::<Vec<_>>() {
            self.forget_row(start, &key);
        }
        self.retire_late(retired);
    }

    /// Forgets which events of windows that end by `retired` were late.
    pub(crate) fn retire_late(&mut self, retired: Timestamp) {
        self.late
            .retain(|_, late| late.window_end.is_none_or(|end| end > retired));
    }
}

/// The keys of diverted records behind a checkpoint.
#[derive(Debug, Default)]
pub(crate) struct StandingKeys {
    keys: HashSet<Vec<u8>>,
    /// The offsets behind which they stand.
    from: Vec<i64>,
}

impl StandingKeys {
    /// What stands behind these offsets: nothing so far.
    pub(crate) fn behind(from: &[i64]) -> Self {
        Self {
            from: from.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, key: &[u8]) {
        self.keys.insert(key.to_vec());
    }

    /// Whether the record of this key stands; asked once.
    pub(crate) fn take(&mut self, key: &[u8]) -> bool {
        self.keys.remove(key)
    }

    /// Where the next restart must begin to look: at the topic's `ends` once nothing of what stood
    /// is left that may come up again, and `more` does not say otherwise.
    pub(crate) fn from(&self, ends: &[i64], more: bool) -> Vec<i64> {
        if self.keys.is_empty() && !more {
            return ends.to_vec();
        }
        padded(&self.from, ends.len())
    }
}
