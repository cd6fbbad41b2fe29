//! A set stored as one sorted vector, compact in memory and on the wire and cheap to merge.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Merge;

/// A set of small values. Insertions are appended to an unsorted tail, which is sorted into the rest from
/// time to time. An insertion therefore costs O(log n) on average and needs no allocation of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SortedSet<T> {
    values: Vec<T>,
    #[serde(skip)]
    sorted: usize,
}

/// The tail is merged into the sorted part when it is longer than both the sorted part and this number of values.
const TAIL_MAX: usize = 32;

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            sorted: 0,
        }
    }
}

impl<T: Ord> SortedSet<T> {
    /// Adds `value`.
    #[inline]
    pub fn insert(&mut self, value: T) {
        if self.values.last() == Some(&value) {
            return;
        }
        self.values.push(value);
        if self.values.len() - self.sorted > TAIL_MAX.max(self.sorted) {
            self.settle();
        }
    }

    /// Returns the number of different values. Sorts the set first if needed.
    pub fn len(&mut self) -> usize {
        self.settle();
        self.values.len()
    }

    /// Returns whether the set has no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the values in ascending order, each once.
    pub fn values(&mut self) -> &[T] {
        self.settle();
        &self.values
    }

    /// Returns the values in ascending order without changing the set; borrowed if the set is already sorted.
    pub(super) fn settled(&self) -> Cow<'_, [T]>
    where
        T: Clone,
    {
        if self.sorted == self.values.len() {
            return Cow::Borrowed(&self.values);
        }
        let mut copy = self.clone();
        copy.settle();
        Cow::Owned(copy.values)
    }

    /// Returns an upper bound of [`Self::len`] without sorting.
    pub(super) fn len_max(&self) -> usize {
        self.values.len()
    }
}

/// Builds a set from values. Values that are already in strictly ascending order are not sorted again.
impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values = Vec::from_iter(values);
        let is_settled = values.is_sorted_by(|a, b| a < b);
        let sorted = if is_settled { values.len() } else { 0 };
        Self { values, sorted }
    }
}

impl<T: Ord> Merge for SortedSet<T> {
    fn merge(&mut self, other: Self) {
        if self.values.is_empty() {
            *self = other;
            return;
        }
        self.values.extend(other.values);
        if self.values.len() - self.sorted > TAIL_MAX.max(self.sorted) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        if self.sorted < self.values.len() {
            self.values.sort(); // a stable sort detects the two sorted runs of a merge
            self.values.dedup();
            self.sorted = self.values.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn is_the_set_union_in_any_order(
            parts in prop::collection::vec(prop::collection::vec(0_u16..300, 0..120), 0..6),
        ) {
            let oracle: BTreeSet<u16> = parts.iter().flatten().copied().collect();
            let mut merged = SortedSet::default();
            for part in parts.iter().rev() {
                let mut set = SortedSet::default();
                part.iter().for_each(|value| set.insert(*value));
                merged.merge(set);
            }
            prop_assert_eq!(merged.values(), oracle.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(merged.len(), oracle.len());
            let collected: SortedSet<u16> = parts.into_iter().flatten().collect();
            prop_assert_eq!(collected.settled().into_owned(), merged.values());
            let again: SortedSet<u16> = merged.values().iter().copied().collect();
            prop_assert_eq!(again, merged);
        }
    }
}
