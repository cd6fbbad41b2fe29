//! A hash table of partials by key, used while a batch is folded. It finds a key by its fields. It joins and copies
//! the fields only if the key is new or has percent-encoded fields.

use crate::key::RecordKey;
use crate::words;

/// Keys and their partials, in the order of their first events.
pub(super) struct Slots<P> {
    slots: Vec<Slot<P>>,
    /// An open-addressing hash table, at most half full. An entry is an index into `slots` plus one; 0 is an
    /// empty entry.
    places: Vec<u32>,
}

/// One key and the contribution of its events.
pub(super) struct Slot<P> {
    hash: u64,
    pub(super) key: RecordKey,
    /// The number of fields in `key`.
    fields: usize,
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
            places: vec![0; PLACES_MIN],
        }
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
                0 => break self.add(hash, fields),
                taken if self.slots[taken - 1].is(hash, fields) => break taken - 1,
                _ => place = (place + 1) % self.places.len(),
            }
        };
        &mut self.slots[index]
    }

    /// Applies `settle` to every partial and returns references to the slots in ascending order of their
    /// keys. References are returned because moving a slot would cost more than encoding it.
    pub(super) fn sorted(&mut self, settle: impl Fn(&mut P)) -> Vec<&Slot<P>> {
        for slot in &mut self.slots {
            settle(&mut slot.partial);
        }
        let mut order: Vec<_> = self.slots.iter().map(Slot::text).zip(0..).collect();
        words::sort(&mut order);
        let slot = |(_, index): (&[u8], u32)| &self.slots[index as usize];
        order.into_iter().map(slot).collect()
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    #[cold]
    fn add(&mut self, hash: u64, fields: &[&str]) -> usize {
        let key = RecordKey::new(fields);
        self.slots.push(Slot {
            hash,
            fields: fields.len(),
            is_plain: !key.as_str().contains('%'),
            key,
            events: 0,
            partial: P::default(),
        });
        if self.slots.len() * 2 > self.places.len() {
            self.places = vec![0; self.places.len() * 2];
            (0..self.slots.len()).for_each(|index| self.place(index));
        } else {
            self.place(self.slots.len() - 1);
        }
        self.slots.len() - 1
    }

    fn place(&mut self, index: usize) {
        let mut place = self.home(self.slots[index].hash);
        while self.places[place] != 0 {
            place = (place + 1) % self.places.len();
        }
        self.places[place] = index as u32 + 1;
    }
}

impl<P> Slot<P> {
    fn text(&self) -> &[u8] {
        self.key.as_str().as_bytes()
    }

    #[inline]
    fn is(&self, hash: u64, fields: &[&str]) -> bool {
        if self.hash != hash || self.fields != fields.len() {
            return false;
        }
        if self.is_plain {
            is_joined(self.text(), fields)
        } else {
            self.key == RecordKey::new(fields)
        }
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
            for (a, b) in &keys {
                *oracle.entry(RecordKey::new(&[a, b])).or_default() += 1;
                slots.slot(&[a, b]).partial += 1;
            }
            let sorted = slots.sorted(|_| {}).into_iter();
            let sorted: Vec<_> = sorted.map(|slot| (slot.key.clone(), slot.partial)).collect();
            prop_assert_eq!(sorted, oracle.into_iter().collect::<Vec<_>>());
        }
    }
}
