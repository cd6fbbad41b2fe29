//! A hash table of partials by key, used while a batch is folded. It finds a key by its fields. It joins and copies
//! the fields only if the key is new or has percent-encoded fields.

use crate::key::{self, RecordKey};
use crate::words;

/// Keys and their partials, in the order of their first events.
pub(super) struct Slots<P> {
    slots: Vec<Slot<P>>,
    /// The texts of all keys, one after another.
    keys: Vec<u8>,
    /// An open-addressing hash table, at most half full. An entry is an index into `slots` plus one; 0 is an
    /// empty entry.
    places: Vec<u32>,
}

/// One key and the contribution of its events.
pub(super) struct Slot<P> {
    hash: u64,
    /// Where the key's text begins and ends in the texts of all keys.
    start: u32,
    end: u32,
    /// The number of fields in the key.
    fields: u32,
    /// Whether no field needed percent-encoding.
    is_plain: bool,
    pub(super) events: u64,
    pub(super) partial: P,
}

/// The initial size of the table, large enough for a batch with a few keys.
const PLACES_MIN: usize = 16;

impl<P> Default for Slots<P> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            keys: Vec::new(),
            places: vec![0; PLACES_MIN],
        }
    }
}

impl<P> Slots<P> {
    /// Returns the slots in the order of their keys' first events.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Slot<P>> {
        self.slots.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot<P>> {
        self.slots.iter_mut()
    }

    /// Returns the texts of all keys, one after another, in the order of [`Self::iter`].
    pub(super) fn keys(&self) -> &[u8] {
        &self.keys
    }

    /// Returns the text of a slot's key.
    #[inline]
    pub(super) fn text(&self, slot: &Slot<P>) -> &[u8] {
        &self.keys[slot.start as usize..slot.end as usize]
    }

    /// Removes all keys. Keeps memory for about as many keys as there were.
    pub(super) fn clear(&mut self) {
        let needed = (self.slots.len() * 2).next_power_of_two().max(PLACES_MIN);
        self.places.clear();
        self.places.shrink_to(needed);
        self.places.resize(needed, 0);
        self.slots.clear();
        self.slots.shrink_to(needed);
        let bytes = self.keys.len() * 2;
        self.keys.clear();
        self.keys.shrink_to(bytes);
    }
}

impl<P: Default> Slots<P> {
    /// Returns the slot of the key with these `fields`; a new key gets an empty slot.
    #[inline]
    pub(super) fn slot(&mut self, fields: &[&str]) -> &mut Slot<P> {
        let hash = hash(fields);
        let mut place = self.home(hash);
        let index = loop {
            match self.places[place] as usize {
                0 => break self.add(hash, fields, place),
                taken if self.is(taken - 1, hash, fields) => break taken - 1,
                _ => place = (place + 1) & (self.places.len() - 1),
            }
        };
        &mut self.slots[index]
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    #[inline]
    fn is(&self, index: usize, hash: u64, fields: &[&str]) -> bool {
        let slot = &self.slots[index];
        if slot.hash != hash || slot.fields as usize != fields.len() {
            return false;
        }
        let text = self.text(slot);
        if slot.is_plain {
            is_joined(text, fields)
        } else {
            RecordKey::new(fields).as_str().as_bytes() == text
        }
    }

    /// Adds a key, whose place in the table is empty.
    fn add(&mut self, hash: u64, fields: &[&str], place: usize) -> usize {
        let start = self.keys.len();
        let is_plain = key::append(fields, &mut self.keys);
        self.slots.push(Slot {
            hash,
            start: start as u32,
            end: self.keys.len() as u32,
            fields: fields.len() as u32,
            is_plain,
            events: 0,
            partial: P::default(),
        });
        self.places[place] = self.slots.len() as u32;
        if self.slots.len() * 2 > self.places.len() {
            self.grow();
        }
        self.slots.len() - 1
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.places.len() * 2;
        self.places.clear();
        self.places.resize(size, 0);
        for (slot, number) in self.slots.iter().zip(1..) {
            let mut place = slot.hash as usize & (size - 1);
            while self.places[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            self.places[place] = number;
        }
    }
}

impl<P> Slot<P> {
    /// Returns the length of the key's text in bytes.
    pub(super) fn key_length(&self) -> u32 {
        self.end - self.start
    }
}

/// Returns whether `text` consists of `fields` joined by `|`.
#[inline]
fn is_joined(text: &[u8], fields: &[&str]) -> bool {
    let mut rest = text;
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            match rest {
                [b'|', after @ ..] => rest = after,
                _ => return false,
            }
        }
        match rest.split_at_checked(field.len()) {
            Some((found, after)) if words::equal(found, field.as_bytes()) => rest = after,
            _ => return false,
        }
    }
    rest.is_empty()
}

#[inline]
fn hash(fields: &[&str]) -> u64 {
    fields.iter().fold(0, |hash: u64, field| {
        hash.rotate_left(5).wrapping_mul(3) ^ words::hash(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn counts_like_a_btree_map(
            keys in prop::collection::vec(("[a|%]{0,3}", "[a|%7C]{0,2}"), 0..300),
        ) {
            let mut oracle: BTreeMap<RecordKey, u64> = BTreeMap::new();
            let mut slots = Slots::<u64>::default();
            for (a, b) in keys.iter().rev() {
                slots.slot(&[b, a, "another batch"]).partial += 1;
            }
            slots.clear();
            for (a, b) in &keys {
                *oracle.entry(RecordKey::new(&[a, b])).or_default() += 1;
                slots.slot(&[a, b]).partial += 1;
            }
            let mut at = 0;
            let mut counted = BTreeMap::new();
            for slot in slots.iter() {
                let end = at + slot.key_length() as usize;
                let key = std::str::from_utf8(&slots.keys()[at..end]).expect("UTF-8");
                counted.insert(RecordKey::from(key), slot.partial);
                at = end;
            }
            prop_assert_eq!(slots.iter().len(), counted.len());
            prop_assert_eq!(counted, oracle);
        }
    }
}
