//! A set of names, limited in size because clients can invent any number of names.

use serde::{Deserialize, Serialize};

use super::Merge;
use crate::texts::Texts;
use crate::words;

/// The inserted names that come first in byte order, at most `MAX`, and whether there were more. The result does
/// not depend on how the names are split into parts: a part drops a name only if it has `MAX` names that come
/// before it, and all of these are merged, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names<const MAX: usize> {
    /// In ascending order. Most sets have a few short names, which need no allocation.
    least: Texts<30>,
    more: bool,
}

impl<const MAX: usize> Names<MAX> {
    /// Adds `name`. It is copied only if it is new and within the limit.
    #[inline]
    pub fn insert(&mut self, name: &str) {
        self.add(name.as_bytes());
    }

    #[inline]
    fn add(&mut self, name: &[u8]) {
        if !self.least.iter().any(|known| words::equal(known, name)) {
            self.add_new(name);
        }
    }

    #[cold]
    fn add_new(&mut self, name: &[u8]) {
        let before = self.least.iter().take_while(|known| *known < name).count();
        if before >= MAX {
            self.more = true;
            return;
        }
        self.least.insert(before, name);
        self.more |= self.least.truncate(MAX);
    }

    /// Returns the kept names, at most `MAX`, in byte order.
    pub fn least(&self) -> Vec<String> {
        self.least.strings().collect()
    }

    /// Returns whether names were dropped.
    pub fn has_more(&self) -> bool {
        self.more
    }
}

impl<const MAX: usize> Merge for Names<MAX> {
    fn merge(&mut self, other: Self) {
        self.more |= other.more;
        if self.least.is_empty() {
            self.least = other.least;
            return;
        }
        other.least.iter().for_each(|name| self.add(name));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_encoding_is_that_of_a_list_of_texts() {
        let long = "long ".repeat(60);
        let texts = ["", "a", "b", &long, &long[..254], &long[..255]];
        let mut names = Names::<5>::default();
        texts.iter().for_each(|name| names.insert(name));
        let kept = ["", "a", "b", &long[..254], &long[..255]];
        assert_eq!(names.least(), kept);
        let bytes = postcard::to_stdvec(&names).expect("encodes");
        let oracle = postcard::to_stdvec(&(kept.to_vec(), true)).expect("encodes");
        assert_eq!(bytes, oracle);
        assert_eq!(postcard::from_bytes(&bytes), Ok(names));
    }

    proptest! {
        #[test]
        fn keeps_the_least_of_all_in_any_split(
            parts in prop::collection::vec(prop::collection::vec("[a-c]{0,2}", 0..8), 0..6),
        ) {
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
