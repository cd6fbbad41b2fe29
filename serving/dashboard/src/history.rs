//! Stores the rows of a topic by window start and key, for at most a day. A new revision replaces the row's previous
//! revision, and a withdrawn row is removed. In topics with many rows, old rows are summed into one-minute windows
//! (*joined*).

use std::collections::BTreeMap;
use std::ops::Range;

use crate::limits::{HISTORY_MS, JOINED_AFTER_MS, JOINED_MS, SLACK_PART};

/// The rows of one topic by window start, limited to a day of event time and to `rows_max` rows.
#[derive(Debug)]
pub(crate) struct History<K, V> {
    windows: BTreeMap<i64, Vec<Row<K, V>>>,
    /// Adds the second row to the first one. `None` if the topic does not join old rows.
    join: Option<fn(&mut V, &V)>,
    /// Windows that start before this time have been joined.
    joined_before: i64,
    rows: usize,
    rows_max: usize,
}

/// A row of a window. A window's rows are sorted by key.
#[derive(Debug)]
pub(crate) struct Row<K, V> {
    key: K,
    revision: u32,
    value: V,
}

impl<K: Copy + Ord, V> History<K, V> {
    pub(crate) fn new(rows_max: usize) -> Self {
        Self {
            windows: BTreeMap::new(),
            join: None,
            joined_before: i64::MIN,
            rows: 0,
            rows_max,
        }
    }

    /// Creates a history that joins old rows. `join` adds the second row to the first one.
    pub(crate) fn joined(rows_max: usize, join: fn(&mut V, &V)) -> Self {
        Self {
            join: Some(join),
            ..Self::new(rows_max)
        }
    }

    /// Replaces the row of `key` in the window that starts at `start`, unless the stored revision is newer. `None`
    /// removes the row.
    pub(crate) fn put(&mut self, start: i64, key: K, revision: u32, value: Option<V>) {
        match self.join {
            // A correction of a joined row is ignored, because the row's earlier value can no longer be subtracted from
            // the sum.
            Some(_) if start < self.joined_before && revision > 0 => return,
            Some(join) if start < self.joined_before => {
                if let Some(value) = value {
                    self.add(minute(start), key, value, join);
                }
            }
            _ => self.replace(start, key, revision, value),
        }
        self.join_old();
        self.evict();
    }

    /// Returns the rows of all windows that start within `range`, ordered by time and key.
    pub(crate) fn range(&self, range: Range<i64>) -> impl Iterator<Item = (i64, &K, &V)> {
        // `BTreeMap::range` panics on a range that ends before it starts.
        let end = range.end.max(range.start);
        self.windows
            .range(range.start..end)
            .flat_map(|(start, rows)| rows.iter().map(move |row| (*start, &row.key, &row.value)))
    }

    /// Returns the start of the latest window; `None` if there are no rows.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.windows.keys().next_back().copied()
    }

    fn replace(&mut self, start: i64, key: K, revision: u32, value: Option<V>) {
        let window = self.windows.entry(start).or_default();
        let before = window.len();
        match (window.binary_search_by_key(&key, |row| row.key), value) {
            (Ok(place), _) if window[place].revision > revision => {}
            (Ok(place), Some(value)) => {
                (window[place].revision, window[place].value) = (revision, value);
            }
            (Ok(place), None) => drop(window.remove(place)),
            (Err(place), Some(value)) => insert(
                window,
                place,
                Row {
                    key,
                    revision,
                    value,
                },
            ),
            (Err(_), None) => {}
        }
        self.rows = self.rows + window.len() - before;
        if window.is_empty() {
            self.windows.remove(&start);
        }
    }

    fn add(&mut self, start: i64, key: K, value: V, join: fn(&mut V, &V)) {
        let window = self.windows.entry(start).or_default();
        match window.binary_search_by_key(&key, |row| row.key) {
            Ok(place) => join(&mut window[place].value, &value),
            Err(place) => {
                let revision = 0;
                insert(
                    window,
                    place,
                    Row {
                        key,
                        revision,
                        value,
                    },
                );
                self.rows += 1;
            }
        }
    }

    fn join_old(&mut self) {
        let (Some(join), Some(newest)) = (self.join, self.newest()) else {
            return;
        };
        let before = minute(newest.saturating_sub(JOINED_AFTER_MS));
        if before <= self.joined_before {
            return;
        }
        let old = self.windows.range(self.joined_before..before);
        // A window that starts at a whole minute keeps its rows. The minute's other windows are added to it.
        let old: Vec<_> = old
            .map(|(start, _)| *start)
            .filter(|start| minute(*start) != *start)
            .collect();
        for start in old {
            let rows = self.windows.remove(&start).unwrap_or_default();
            self.rows -= rows.len();
            for row in rows {
                self.add(minute(start), row.key, row.value, join);
            }
        }
        self.joined_before = before;
    }

    fn evict(&mut self) {
        let horizon = self.newest().unwrap_or(i64::MIN).saturating_sub(HISTORY_MS);
        while let Some(oldest) = self.windows.first_entry() {
            if *oldest.key() >= horizon && self.rows <= self.rows_max {
                return;
            }
            self.rows -= oldest.remove().len();
        }
    }
}

/// Rounds a time down to the minute.
pub(crate) fn minute(time: i64) -> i64 {
    time.div_euclid(JOINED_MS).saturating_mul(JOINED_MS)
}

/// Inserts a row. If the vector is full, its capacity grows by a quarter instead of doubling, which saves memory: most
/// windows never grow again.
fn insert<T>(rows: &mut Vec<T>, place: usize, row: T) {
    if rows.len() == rows.capacity() {
        rows.reserve_exact(rows.len() / SLACK_PART + 1);
    }
    rows.insert(place, row);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(history: &History<char, u32>) -> Vec<(i64, char, u32)> {
        let rows = history.range(i64::MIN..i64::MAX);
        rows.map(|(start, key, value)| (start, *key, *value))
            .collect()
    }

    #[test]
    fn revisions_replace_rows_and_withdrawn_rows_are_removed() {
        let mut history = History::new(10);
        history.put(0, 'b', 0, Some(7));
        history.put(0, 'a', 0, Some(1));
        history.put(0, 'a', 2, Some(3));
        history.put(0, 'a', 1, Some(2));
        assert_eq!(rows(&history), [(0, 'a', 3), (0, 'b', 7)]);
        history.put(0, 'a', 3, None);
        history.put(5, 'c', 0, None);
        assert_eq!(rows(&history), [(0, 'b', 7)]);
        assert_eq!((history.rows, history.newest()), (1, Some(0)));
    }

    #[test]
    fn rows_over_the_limit_of_age_or_number_are_dropped_oldest_first() {
        let mut history = History::new(3);
        for start in 0..5 {
            history.put(start, 'a', 0, Some(0));
        }
        assert_eq!(
            rows(&history).iter().map(|row| row.0).collect::<Vec<_>>(),
            [2, 3, 4]
        );
        history.put(HISTORY_MS + 4, 'a', 0, Some(1));
        assert_eq!(rows(&history), [(4, 'a', 0), (HISTORY_MS + 4, 'a', 1)]);
        history.put(1, 'a', 0, Some(9));
        assert_eq!(
            rows(&history).len(),
            2,
            "a row older than the limit is not kept"
        );
    }

    #[test]
    fn a_range_includes_its_start_and_excludes_its_end() {
        let mut history = History::new(10);
        for start in [0, 10, 20] {
            history.put(start, 'a', 0, Some(0));
        }
        assert_eq!(history.range(0..20).count(), 2);
        let backwards = Range { start: 20, end: 0 };
        assert_eq!(history.range(backwards).count(), 0);
    }

    #[test]
    fn old_rows_are_joined_to_minutes_and_keep_their_sum() {
        let mut history = History::joined(1_000, |sum: &mut u32, later| *sum += later);
        let step = 10_000;
        for window in 0..JOINED_AFTER_MS / step + 12 {
            history.put(window * step, 'a', 0, Some(1));
            history.put(window * step, 'a', 1, Some(2));
        }
        let known = rows(&history);
        assert_eq!(known[..2], [(0, 'a', 12), (JOINED_MS, 'a', 2)]);
        assert_eq!(history.rows, known.len());
        let sum = |history: &History<char, u32>| rows(history).iter().map(|row| row.2).sum::<u32>();
        let before = sum(&history);
        assert_eq!(i64::from(before), 2 * (JOINED_AFTER_MS / step + 12));
        // A first revision is added to a joined minute; a correction is dropped.
        history.put(30_000, 'b', 0, Some(5));
        history.put(20_000, 'a', 2, Some(9));
        history.put(20_000, 'a', 3, None);
        assert_eq!(sum(&history), before + 5);
        assert_eq!(rows(&history)[1], (0, 'b', 5));
    }
}
