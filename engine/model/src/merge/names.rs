//! A set of names, limited in size because clients can invent any number of names.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::Merge;

/// The inserted names that come first in byte order, at most `MAX`, and whether there were more. The result does
/// not depend on how the names are split into parts: a part drops a name only if it has `MAX` names that come
/// before it, and all of these are merged, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names<const MAX: usize> {
    /// In ascending order. Most sets have a single, short name, which needs no allocation.
    least: SmallVec<[CompactString; 1]>,
    more: bool,
}

impl<const MAX: usize> Names<MAX> {
    /// Adds `name`. It is copied only if it is new and within the limit.
    #[inline]
    pub fn insert(&mut self, name: &str) {
        self.add(name);
    }

    #[inline]
    fn add<N: AsRef<str> + Into<CompactString>>(&mut self, name: N) {
        let text = name.as_ref();
        match self
            .least
            .binary_search_by(|known| known.as_str().cmp(text))
        {
            Ok(_) => {}
            Err(index) if index >= MAX => self.more = true,
            Err(index) => {
                self.more |= self.least.len() == MAX;
                self.least.truncate(MAX - 1);
                self.least.insert(index, name.into());
            }
        }
    }

    /// Returns the kept names, at most `MAX`, in byte order.
    pub fn least(&self) -> Vec<String> {
        self.least.iter().map(CompactString::to_string).collect()
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
        other.least.into_iter().for_each(|name| self.add(name));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

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
