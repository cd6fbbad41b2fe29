//! The latest alerts or visits of a topic, each known by an id: revisions replace, withdrawn ones go.

use std::collections::{BTreeMap, HashMap};

/// Up to `max` of them, by time.
#[derive(Debug)]
pub(crate) struct Latest<T> {
    by_time: BTreeMap<(i64, String), (u32, T)>,
    times: HashMap<String, i64>,
    max: usize,
}

impl<T> Latest<T> {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            by_time: BTreeMap::new(),
            times: HashMap::new(),
            max,
        }
    }

    /// Notes what a record says of `id`; nothing withdraws it.
    pub(crate) fn put(&mut self, id: String, time: i64, revision: u32, value: Option<T>) {
        if let Some(known) = self.times.get(&id).copied() {
            let place = (known, id.clone());
            if self
                .by_time
                .get(&place)
                .is_some_and(|(known, _)| *known > revision)
            {
                return;
            }
            self.by_time.remove(&place);
            self.times.remove(&id);
        }
        if let Some(value) = value {
            self.times.insert(id.clone(), time);
            self.by_time.insert((time, id), (revision, value));
        }
        while self.by_time.len() > self.max
            && let Some(((_, id), _)) = self.by_time.pop_first()
        {
            self.times.remove(&id);
        }
    }

    /// Time and content, the latest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (i64, &T)> {
        let rows = self.by_time.iter().rev();
        rows.map(|((time, _), (_, value))| (*time, value))
    }

    pub(crate) fn clear(&mut self) {
        self.by_time.clear();
        self.times.clear();
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
    fn revisions_replace_also_at_another_time_and_withdrawn_ones_go() {
        let mut latest = Latest::new(10);
        latest.put("a".into(), 1, 0, Some(10));
        latest.put("b".into(), 2, 0, Some(20));
        latest.put("a".into(), 3, 1, Some(11));
        latest.put("a".into(), 9, 0, Some(99));
        assert_eq!(rows(&latest), [(3, 11), (2, 20)]);
        latest.put("a".into(), 3, 2, None);
        assert_eq!(rows(&latest), [(2, 20)]);
        assert_eq!(latest.times.len(), 1);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut latest = Latest::new(2);
        for number in 0..5 {
            latest.put(number.to_string(), i64::from(number), 0, Some(number));
        }
        assert_eq!(rows(&latest), [(4, 4), (3, 3)]);
        assert_eq!(latest.times.len(), 2);
    }
}
