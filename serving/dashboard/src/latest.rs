//! Stores the latest alerts of a topic by id. A new revision replaces the alert's previous revision, and a withdrawn
//! alert is removed.

use std::collections::{BTreeMap, HashMap};

/// The alerts, ordered by time: at most `max` alerts, whose records have a total size of at most `bytes_max` bytes.
#[derive(Debug)]
pub(crate) struct Latest<T> {
    by_time: BTreeMap<(i64, String), Entry<T>>,
    times: HashMap<String, i64>,
    bytes: usize,
    max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry<T> {
    revision: u32,
    bytes: usize,
    value: T,
}

impl<T> Latest<T> {
    pub(crate) fn new(max: usize, bytes_max: usize) -> Self {
        Self {
            by_time: BTreeMap::new(),
            times: HashMap::new(),
            bytes: 0,
            max,
            bytes_max,
        }
    }

    /// Replaces the alert `id`, unless the stored revision is newer. `None` removes the alert. `bytes` is the size of
    /// its record.
    pub(crate) fn put(
        &mut self,
        id: String,
        time: i64,
        revision: u32,
        value: Option<T>,
        bytes: usize,
    ) {
        if let Some(known) = self.times.get(&id).copied() {
            let place = (known, id.clone());
            if self
                .by_time
                .get(&place)
                .is_some_and(|known| known.revision > revision)
            {
                return;
            }
            self.bytes -= self.by_time.remove(&place).map_or(0, |known| known.bytes);
            self.times.remove(&id);
        }
        if let Some(value) = value {
            self.times.insert(id.clone(), time);
            self.bytes += bytes;
            let entry = Entry {
                revision,
                bytes,
                value,
            };
            self.by_time.insert((time, id), entry);
        }
        while (self.by_time.len() > self.max || self.bytes > self.bytes_max)
            && let Some(((_, id), oldest)) = self.by_time.pop_first()
        {
            self.bytes -= oldest.bytes;
            self.times.remove(&id);
        }
    }

    /// Returns each alert with its time, latest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (i64, &T)> {
        let rows = self.by_time.iter().rev();
        rows.map(|((time, _), entry)| (*time, &entry.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(latest: &Latest<u32>) -> Vec<(i64, u32)> {
        latest
            .newest_first()
            .map(|(time, value)| (time, *value))
            .collect()
    }

    #[test]
    fn revisions_replace_alerts_even_at_another_time_and_withdrawn_alerts_are_removed() {
        let mut latest = Latest::new(10, 100);
        latest.put("a".into(), 1, 0, Some(10), 1);
        latest.put("b".into(), 2, 0, Some(20), 1);
        latest.put("a".into(), 3, 1, Some(11), 1);
        latest.put("a".into(), 9, 0, Some(99), 1);
        assert_eq!(rows(&latest), [(3, 11), (2, 20)]);
        latest.put("a".into(), 3, 2, None, 1);
        assert_eq!(rows(&latest), [(2, 20)]);
        assert_eq!(latest.times.len(), 1);
    }

    #[test]
    fn the_oldest_alerts_over_the_limit_are_dropped() {
        let mut latest = Latest::new(2, 100);
        for number in 0..5 {
            latest.put(number.to_string(), i64::from(number), 0, Some(number), 1);
        }
        assert_eq!(rows(&latest), [(4, 4), (3, 3)]);
        assert_eq!((latest.times.len(), latest.bytes), (2, 2));
    }

    #[test]
    fn fewer_large_alerts_fit() {
        let mut latest = Latest::new(100, 10);
        for number in 0..5 {
            latest.put(number.to_string(), i64::from(number), 0, Some(number), 4);
        }
        assert_eq!(rows(&latest), [(4, 4), (3, 3)]);
        latest.put("4".into(), 4, 1, Some(9), 9);
        assert_eq!((rows(&latest), latest.bytes), (vec![(4, 9)], 9));
    }
}
