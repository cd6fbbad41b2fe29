//! Rows of windows, by start and key, for a day at most: revisions replace, withdrawn rows go.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::limits::HISTORY_MS;

/// The kept windows of one topic.
#[derive(Debug)]
pub(crate) struct History<K, V> {
    windows: BTreeMap<i64, BTreeMap<K, (u32, V)>>,
    rows: usize,
    rows_max: usize,
}

impl<K: Ord, V> History<K, V> {
    pub(crate) fn new(rows_max: usize) -> Self {
        Self {
            windows: BTreeMap::new(),
            rows: 0,
            rows_max,
        }
    }

    /// Notes what a record says of a key in the window that begins at `start`; nothing withdraws it.
    pub(crate) fn put(&mut self, start: i64, key: K, revision: u32, value: Option<V>) {
        let window = self.windows.entry(start).or_default();
        let before = window.len();
        if window.get(&key).is_none_or(|(known, _)| *known <= revision) {
            match value {
                Some(value) => drop(window.insert(key, (revision, value))),
                None => drop(window.remove(&key)),
            }
        }
        self.rows = self.rows + window.len() - before;
        if window.is_empty() {
            self.windows.remove(&start);
        }
        self.evict();
    }

    /// The rows of windows that begin within `range`, in the order of time and key.
    pub(crate) fn range(&self, range: Range<i64>) -> impl Iterator<Item = (i64, &K, &V)> {
        // A range that ends before it begins would panic.
        let end = range.end.max(range.start);
        self.windows
            .range(range.start..end)
            .flat_map(|(start, rows)| {
                rows.iter()
                    .map(move |(key, (_, value))| (*start, key, value))
            })
    }

    /// The start of the latest window.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.windows.keys().next_back().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.windows.clear();
        self.rows = 0;
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
        history.put(0, 'a', 0, Some(1));
        history.put(0, 'a', 2, Some(3));
        history.put(0, 'a', 1, Some(2));
        history.put(0, 'b', 0, Some(7));
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
}
