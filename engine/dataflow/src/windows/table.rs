//! A hash table whose entries contain their own keys. Entries are stored side by side without gaps, and the
//! index takes five bytes for each of them.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use slab::Slab;

/// Identifies an entry. The number of a removed entry is assigned again.
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
            hasher: RandomState::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &E> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    pub(super) fn get(&self, number: Number) -> Option<&E> {
        self.entries.get(number as usize)
    }

    pub(super) fn get_mut(&mut self, number: Number) -> Option<&mut E> {
        self.entries.get_mut(number as usize)
    }

    /// The entries of a key, in any order.
    pub(super) fn of_key(&self, key: &str) -> impl Iterator<Item = (Number, &E)> {
        // The index may also return entries of other keys.
        let numbers = self.by_key.iter_hash(self.hasher.hash_one(key));
        let entries = numbers.filter_map(|number| Some((*number, self.get(*number)?)));
        entries.filter(move |(_, entry)| entry.key() == key)
    }

    /// The first entry of a key.
    pub(super) fn find(&self, key: &str) -> Option<&E> {
        self.of_key(key).next().map(|(_, entry)| entry)
    }

    /// The first entry of a key; if there is none, a new one.
    pub(super) fn find_or_insert(&mut self, key: &str, new: impl FnOnce() -> E) -> &mut E {
        let found = self.of_key(key).next().map(|(number, _)| number);
        let number = found.unwrap_or_else(|| self.insert(new()));
        &mut self.entries[number as usize]
    }

    pub(super) fn insert(&mut self, entry: E) -> Number {
        let hash = self.hasher.hash_one(entry.key());
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
