//! The output that an earlier runner wrote after its last checkpoint. Its successor must neither write that output
//! again nor contradict it. As long as a restart may compute some of that output again, the offsets in a
//! checkpoint must not be after it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use client::Offset;
use model::Timestamp;

use super::lateness::{LateEvent, PriorLate};
use super::offsets::padded;

/// The derived rows and the late events that an earlier runner wrote after its last checkpoint.
///
/// - A row is never written again with the same revision.
/// - A late event stays late.
/// - As long as a row or a late event may be computed again, no checkpoint contains an offset after it.
#[derive(Debug, Default)]
pub(crate) struct PriorOutput {
    pub(crate) rows: PriorRows,
    pub(crate) late: PriorLate,
}

/// The last revision of each row that an earlier runner wrote after its last checkpoint.
#[derive(Debug, Default)]
pub(crate) struct PriorRows {
    /// Rows by the start of their windows, then by key: a key has at most one window with a given start.
    rows: BTreeMap<Timestamp, HashMap<String, PriorRow>>,
    /// The end, start and key of each row's window, ordered by end, to find the windows that are over without
    /// visiting all rows.
    ends: BTreeSet<(Timestamp, Timestamp, String)>,
    /// Offsets of the derived topic, one for each partition. None of these rows is before them.
    rows_from: Vec<Offset>,
    /// Whether retention removed source records that may belong to these rows.
    source_lost: bool,
}

/// The last revision of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PriorRow {
    pub(crate) window_end: Timestamp,
    pub(crate) revision: u32,
    pub(crate) withdrawn: bool,
    /// Whether the window was still open.
    pub(crate) is_early: bool,
    pub(crate) value: Vec<u8>,
}

impl PriorOutput {
    /// Creates an empty value, to which the caller adds the output that it reads back. `rows_from` are the offsets
    /// in the derived topic from which the caller reads rows.
    pub(crate) fn after(rows_from: &[Offset]) -> Self {
        Self {
            rows: PriorRows {
                rows_from: rows_from.to_vec(),
                ..PriorRows::default()
            },
            late: PriorLate::default(),
        }
    }

    /// Adds a row, unless the same or a later revision of it is already there.
    pub(crate) fn add_row(&mut self, window_start: Timestamp, key: String, row: PriorRow) {
        self.rows.add(window_start, key, row);
    }

    pub(crate) fn add_late(&mut self, event: LateEvent) {
        self.late.add(event);
    }
}

impl PriorRows {
    fn add(&mut self, window_start: Timestamp, key: String, row: PriorRow) {
        let known = self.row(window_start, &key).map(|row| row.revision);
        if known.is_some_and(|revision| revision >= row.revision) {
            return;
        }
        self.forget(window_start, &key);
        self.ends
            .insert((row.window_end, window_start, key.clone()));
        self.rows.entry(window_start).or_default().insert(key, row);
    }

    pub(crate) fn row(&self, window_start: Timestamp, key: &str) -> Option<&PriorRow> {
        self.rows.get(&window_start)?.get(key)
    }

    /// Returns the keys of the rows whose windows begin at this time.
    pub(crate) fn keys(&self, window_start: Timestamp) -> impl Iterator<Item = &str> {
        let rows = self.rows.get(&window_start).into_iter();
        rows.flat_map(|rows| rows.keys().map(String::as_str))
    }

    /// Returns the offsets of the derived topic from which rows were read back; `None` if no such row is left.
    pub(crate) fn rows_from(&self) -> Option<&[Offset]> {
        (!self.rows.is_empty()).then_some(&self.rows_from)
    }

    /// Returns the offsets of the derived topic from which rows were read back, even if no such row is left.
    pub(crate) fn looked_from(&self) -> &[Offset] {
        &self.rows_from
    }

    /// Notes that retention removed source records. Windows that are computed again may lack those records,
    /// so the rows may contain more than can be computed now.
    pub(crate) fn lost_source(&mut self) {
        self.source_lost = true;
    }

    /// Whether there is a row of this window and key that must not be changed because source records were removed.
    pub(crate) fn is_final(&self, window_start: Timestamp, key: &str) -> bool {
        self.source_lost && self.row(window_start, key).is_some()
    }

    /// Returns the rows whose windows begin before `end` and end by `end`, each with its window start and key.
    /// Skips rows that must not be changed and rows that are already withdrawn.
    pub(crate) fn rows_until(
        &self,
        end: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, &str, &PriorRow)> {
        let over = self.ends.iter().take_while(move |(at, ..)| *at <= end);
        over.filter_map(move |(_, start, key)| {
            let row = self.row(*start, key).filter(|row| !row.withdrawn)?;
            (!self.source_lost && *start < end).then_some((*start, key.as_str(), row))
        })
    }

    /// Notes that this revision withdraws the row.
    pub(crate) fn withdraw(&mut self, window_start: Timestamp, key: &str, revision: u32) {
        let rows = self.rows.get_mut(&window_start);
        if let Some(row) = rows.and_then(|rows| rows.get_mut(key)) {
            (row.withdrawn, row.revision) = (true, revision);
        }
    }

    /// Sets the end of the row's window to the end with which the current runner has emitted the row.
    pub(crate) fn ends_at(&mut self, window_start: Timestamp, key: &str, end: Timestamp) {
        let rows = self.rows.get_mut(&window_start);
        let Some(row) = rows.and_then(|rows| rows.get_mut(key)) else {
            return;
        };
        let before = std::mem::replace(&mut row.window_end, end);
        if before != end {
            self.ends.remove(&(before, window_start, key.to_owned()));
            self.ends.insert((end, window_start, key.to_owned()));
        }
    }

    pub(crate) fn forget(&mut self, window_start: Timestamp, key: &str) {
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

    /// Forgets the rows of windows that end by `end`, unless `is_needed` returns `true` for their window start and
    /// key.
    pub(crate) fn retire_unless(
        &mut self,
        end: Timestamp,
        is_needed: impl Fn(Timestamp, &str) -> bool,
    ) {
        let over = self.ends.iter().take_while(|(at, ..)| *at <= end);
        let forgotten = over.filter(|(_, start, key)| !is_needed(*start, key));
        for (_, start, key) in forgotten.cloned().collect::<Vec<_>>() {
            self.forget(start, &key);
        }
    }
}

/// The keys of dead letters that an earlier runner wrote after its last checkpoint. Its successor must not
/// write them again.
#[derive(Debug, Default)]
pub(crate) struct PriorKeys {
    keys: HashSet<Vec<u8>>,
    /// Offsets of the dead-letter topic, one for each partition. None of these dead letters is before them.
    from: Vec<Offset>,
}

impl PriorKeys {
    /// Creates an empty set. The caller reads the dead letters from these offsets on and adds their keys.
    pub(crate) fn after(from: &[Offset]) -> Self {
        Self {
            from: from.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, key: &[u8]) {
        self.keys.insert(key.to_vec());
    }

    /// Removes the key and returns whether it was there.
    pub(crate) fn take(&mut self, key: &[u8]) -> bool {
        self.keys.remove(key)
    }

    /// Returns the offsets from which the next restart must read the topic. These are the topic's `ends` once every
    /// key has been taken, unless the records are `needed` for another purpose.
    pub(crate) fn from(&self, ends: &[Offset], needed: bool) -> Vec<Offset> {
        if self.keys.is_empty() && !needed {
            return ends.to_vec();
        }
        padded(&self.from, ends.len())
    }
}
