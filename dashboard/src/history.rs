//! Rows of windows, by start and key, for a day at most: revisions replace, withdrawn rows go. Where
//! rows are many, those of long ago are joined to minutes.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::limits::{HISTORY_MS, JOINED_AFTER_MS, JOINED_MS, SLACK_PART};

/// The kept windows of one topic.
#[derive(Debug)]
pub(crate) struct History<K, V> {
    windows: BTreeMap<i64, Vec<Row<K, V>>>,
    /// How the rows of a minute become one, where they do.
    join: Option<fn(&mut V, &V)>,
    /// Windows that begin before are joined.
    joined_before: i64,
    rows: usize,
    rows_max: usize,
}

/// A row of a window, which has them in the order of their keys.
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

    /// Of rows that can be joined: `join` takes a later one into an earlier one.
    pub(crate) fn joined(rows_max: usize, join: fn(&mut V, &V)) -> Self {
        Self {
            join: Some(join),
            ..Self::new(rows_max)
        }
    }

    /// Notes what a record says of a key in the window that begins at `start`; nothing withdraws it.
    pub(crate) fn put(&mut self, start: i64, key: K, revision: u32, value: Option<V>) {
        match self.join {
            // It is part of a sum already, which no correction can take it out of again.
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

    /// The rows of windows that begin within `range`, in the order of time and key.
    pub(crate) fn range(&self, range: Range<i64>) -> impl Iterator<Item = (i64, &K, &V)> {
        // A range that ends before it begins would panic.
        let end = range.end.max(range.start);
        self.windows
            .range(range.start..end)
            .flat_map(|(start, rows)| rows.iter().map(move |row| (*start, &row.key, &row.value)))
    }

    /// The start of the latest window.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.windows.keys().next_back().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.windows.clear();
        (self.rows, self.joined_before) = (0, i64::MIN);
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
        // The window at the beginning of a minute is the one that the others are joined to.
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

/// The beginning of the minute of a time.
pub(crate) fn minute(time: i64) -> i64 {
    time.div_euclid(JOINED_MS).saturating_mul(JOINED_MS)
}

/// Grows by a part, not twofold: most windows never grow again.
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
    fn revisions_replace_and_withdrawn_rows_go() {
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
    fn what_is_too_old_or_too_much_goes_from_the_front() {
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
        assert_eq!(rows(&history).len(), 2, "what comes too late is not kept");
    }

    #[test]
    fn a_range_takes_its_start_and_leaves_its_end() {
        let mut history = History::new(10);
        for start in [0, 10, 20] {
            history.put(start, 'a', 0, Some(0));
        }
        assert_eq!(history.range(0..20).count(), 2);
        let backwards = Range { start: 20, end: 0 };
        assert_eq!(history.range(backwards).count(), 0);
    }

    #[test]
    fn rows_of_long_ago_are_joined_to_minutes_and_their_sum_stays() {
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
        // What comes when its minute is a sum adds to it; what would correct it cannot.
        history.put(30_000, 'b', 0, Some(5));
        history.put(20_000, 'a', 2, Some(9));
        history.put(20_000, 'a', 3, None);
        assert_eq!(sum(&history), before + 5);
        assert_eq!(rows(&history)[1], (0, 'b', 5));
    }
}
