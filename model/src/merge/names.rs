//! The names that occur, bounded however many clients make up.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Merge;

/// The `MAX` least of the names that were inserted, by their bytes, and whether there were more. A
/// name that one part drops has that many lesser ones there, so the whole drops it too: how the
/// names were split does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names<const MAX: usize> {
    least: BTreeSet<String>,
    more: bool,
}

impl<const MAX: usize> Names<MAX> {
    /// Adds `name`; it is copied only where it is new and kept.
    #[inline]
    pub fn insert(&mut self, name: &str) {
        if !self.least.contains(name) {
            self.insert_new(name);
        }
    }

    #[cold]
    fn insert_new(&mut self, name: &str) {
        let last = self.least.last().map(String::as_str);
        if self.least.len() >= MAX && last < Some(name) {
            self.more = true;
        } else {
            self.least.insert(name.to_owned());
            self.limit();
        }
    }

    fn limit(&mut self) {
        while self.least.len() > MAX {
            self.least.pop_last();
            self.more = true;
        }
    }

    /// The names that are kept, in ascending order.
    pub fn least(&self) -> Vec<String> {
        self.least.iter().cloned().collect()
    }

    /// Whether there were more names than are kept.
    pub fn has_more(&self) -> bool {
        self.more
    }
}

impl<const MAX: usize> Merge for Names<MAX> {
    fn merge(&mut self, other: Self) {
        self.more |= other.more;
        self.least.extend(other.least);
        self.limit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_the_least_of_all_however_they_are_split(parts in prop::collection::vec(prop::collection::vec("[a-c]{0,2}", 0..8), 0..6)) {
            let all: BTreeSet<&String> = parts.iter().flatten().collect();
            let least: Vec<String> = all.iter().take(4).map(|name| (*name).clone()).collect();
            let mut merged = Names::<4>::default();
            for part in parts.iter().rev() {
                let mut names = Names::default();
                part.iter().for_each(|name| names.insert(name));
                merged.merge(names);
            }
            prop_assert_eq!((merged.least(), merged.has_more()), (least, all.len() > 4));
        }
    }
}
