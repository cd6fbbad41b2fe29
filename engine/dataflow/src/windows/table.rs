//! A hash table whose entries contain their own keys. Entries are stored contiguously, and a new entry takes the
//! place of a removed one. The index is compact: five bytes per bucket.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use slab::Slab;

/// Identifies an entry. The number of a removed entry is reused for a later one.
pub(super) type Number = u32;

/// A value that contains its key.
pub(super) trait Entry {
    fn key(&self) -> &str;
}

/// Entries by number and by key. A key can have several entries.
pub(super) struct Table<E> {
    entries: Slab<E>,
    /// The numbers of the entries, by the hashes of their keys.
    by_key: HashTable<Number>,
    hasher: RandomState,
}

impl<E: Entry> Table<E> {
    pub(super) fn new() -> Self {
        Self {
            entries: Slab::new(),
            by_key: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &E> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    pub(super) fn get(&self, number: Number) -> Option<&E> {
        self.entries.get(number as usize)
    }

    pub(super) fn get_mut(&mut self, number: Number) -> Option<&mut E> {
        self.entries.get_mut(number as usize)
    }

    /// The entries of a key, in any order.
    pub(super) fn of_key(&self, key: &str) -> impl Iterator<Item = (Number, &E)> {
        // `iter_hash` may also return entries with other hashes, and other keys may have the same hash.
        let numbers = self.by_key.iter_hash(self.hasher.hash_one(key));
        let entries = numbers.filter_map(|number| Some((*number, self.get(*number)?)));
        entries.filter(move |(_, entry)| entry.key() == key)
    }

    /// The number of an entry of a key; any one, if the key has several.
    pub(super) fn number_of(&self, key: &str) -> Option<Number> {
        self.of_key(key).next().map(|(number, _)| number)
    }

    /// An entry of a key; any one, if the key has several.
    pub(super) fn find(&self, key: &str) -> Option<&E> {
        self.of_key(key).next().map(|(_, entry)| entry)
    }

    /// An entry of a key, as [`Self::find`] returns it. If there is none, inserts a new one.
    pub(super) fn find_or_insert(&mut self, key: &str, new: impl FnOnce() -> E) -> &mut E {
        let number = self.number_or_insert(key, new);
        &mut self.entries[number as usize]
    }

    /// The number of an entry of a key, as [`Self::number_of`] returns it. If there is none, inserts a new one.
    pub(super) fn number_or_insert(&mut self, key: &str, new: impl FnOnce() -> E) -> Number {
        let hash = self.hasher.hash_one(key);
        let is_it = |number: &Number| self.entries[*number as usize].key() == key;
        match self.by_key.find(hash, is_it) {
            Some(number) => *number,
            None => self.insert_hashed(hash, new()),
        }
    }

    pub(super) fn insert(&mut self, entry: E) -> Number {
        self.insert_hashed(self.hasher.hash_one(entry.key()), entry)
    }

    fn insert_hashed(&mut self, hash: u64, entry: E) -> Number {
        let number = self.entries.insert(entry) as Number;
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash = |number: &Number| hasher.hash_one(entries[*number as usize].key());
        self.by_key.insert_unique(hash, number, rehash);
        number
    }

    pub(super) fn remove(&mut self, number: Number) -> Option<E> {
        let entry = self.entries.try_remove(number as usize)?;
        let hash = self.hasher.hash_one(entry.key());
        if let Ok(found) = self.by_key.find_entry(hash, |other| *other == number) {
            found.remove();
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Entry for (String, u32) {
        fn key(&self) -> &str {
            &self.0
        }
    }

    fn of_key(table: &Table<(String, u32)>, key: &str) -> Vec<u32> {
        let mut values: Vec<u32> = table.of_key(key).map(|(_, entry)| entry.1).collect();
        values.sort_unstable();
        values
    }

    proptest! {
        /// There are at most 20 keys, so that some have several entries. Removed numbers are reused.
        #[test]
        fn a_table_equals_a_map_of_lists(
            steps in prop::collection::vec(("[a-d]{1,2}", any::<bool>()), 0..200),
        ) {
            let mut table = Table::new();
            let mut oracle: BTreeMap<String, BTreeMap<u32, Number>> = BTreeMap::new();
            for (value, (key, is_added)) in (0..).zip(steps) {
                let known = oracle.entry(key.clone()).or_default();
                if is_added {
                    known.insert(value, table.insert((key, value)));
                } else if let Some((value, number)) = known.pop_first() {
                    prop_assert_eq!(table.remove(number), Some((key, value)));
                    prop_assert_eq!(table.remove(number), None);
                }
            }
            prop_assert_eq!(table.len(), oracle.values().map(BTreeMap::len).sum::<usize>());
            prop_assert_eq!(table.values().count(), table.len());
            for (key, known) in &oracle {
                prop_assert_eq!(of_key(&table, key), known.keys().copied().collect::<Vec<_>>());
                prop_assert_eq!(table.find(key).is_some(), !known.is_empty());
                for (value, number) in known {
                    prop_assert_eq!(table.get(*number), Some(&(key.clone(), *value)));
                }
            }
        }
    }
}
