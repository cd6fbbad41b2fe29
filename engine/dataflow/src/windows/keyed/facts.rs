//! The facts of a batch, and the facts of one key that wait for the watermark.

use client::PartitionOffset;
use model::keyed_process::Facts;
use model::partial::{Contribution, KeyText};
use model::{Timestamp, Window};
use serde::{Deserialize, Serialize};

use crate::windows::batch::{AnyContributions, IsLate};

/// The facts of a batch, by key. Each fact is a separate contribution whose span is a single instant.
pub(super) struct FactsByKey<F>(pub(super) Vec<Contribution<Facts<F>>>);

impl<F: Send + 'static> AnyContributions for FactsByKey<F> {
    fn take_late(&mut self, is_late: &mut IsLate<'_>) -> Vec<(Window, KeyText, u64)> {
        let mut late = Vec::new();
        for Contribution { key, partial, .. } in &mut self.0 {
            partial.0.retain(|fact| {
                let span = Window::instant(fact.time);
                let is_late = is_late(span, *key);
                late.extend(is_late.then_some((span, *key, 1)));
                !is_late
            });
        }
        late
    }
}

/// The position of a fact in the processing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct FactPosition {
    pub(super) time: Timestamp,
    pub(super) at: PartitionOffset,
}

/// The waiting facts of one key, each with its position. They are sorted only when some of them are due.
pub(super) struct WaitingFacts<F> {
    facts: Vec<(FactPosition, F)>,
    /// The earliest time of a fact; `Timestamp::MAX` without facts.
    first: Timestamp,
}

impl<F> Default for WaitingFacts<F> {
    fn default() -> Self {
        Self {
            facts: Vec::new(),
            first: Timestamp::MAX,
        }
    }
}

impl<F> WaitingFacts<F> {
    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The earliest time of a fact; `None` without facts.
    pub(super) fn first_time(&self) -> Option<Timestamp> {
        (!self.is_empty()).then_some(self.first)
    }

    /// Adds a fact. Returns whether it is earlier than all others. A fact from a snapshot may be added again after a
    /// restart; [`Self::take_until`] removes the duplicate.
    pub(super) fn add(&mut self, position: FactPosition, fact: F) -> bool {
        let is_first = self.facts.is_empty() || position.time < self.first;
        if self.facts.is_empty() {
            self.facts.reserve_exact(1); // most keys have one waiting fact
        }
        if is_first {
            self.first = position.time;
        }
        self.facts.push((position, fact));
        is_first
    }

    /// Moves the facts before `watermark` to the end of `due`, in order. Returns the number of facts that were
    /// removed because they had been added twice.
    pub(super) fn take_until(
        &mut self,
        watermark: Timestamp,
        due: &mut Vec<(FactPosition, F)>,
    ) -> usize {
        if self.first >= watermark {
            return 0;
        }
        if self.facts.len() == 1 {
            due.extend(std::mem::take(self).facts); // no other fact has to be looked at
            return 0;
        }
        let added = self.facts.len();
        self.facts.sort_by_key(|(position, _)| *position);
        self.facts.dedup_by_key(|(position, _)| *position);
        let duplicates = added - self.facts.len();
        let is_due = |(position, _): &(FactPosition, F)| position.time < watermark;
        let count = self.facts.partition_point(is_due);
        due.extend(self.facts.drain(..count));
        let first = self.facts.first().map(|(position, _)| position.time);
        self.first = first.unwrap_or(Timestamp::MAX);
        if self.facts.is_empty() {
            self.facts = Vec::new(); // most keys wait for their next fact for a long time
        }
        duplicates
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(FactPosition, F)> {
        self.facts.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use client::{Offset, Partition};
    use proptest::prelude::*;

    use super::*;

    fn position((time, offset): (i64, i64)) -> FactPosition {
        FactPosition {
            time: Timestamp::from_millis(time),
            at: PartitionOffset {
                partition: Partition(0),
                offset: Offset(offset),
            },
        }
    }

    proptest! {
        /// Adds facts in any order, some of them twice, and takes those that are due at each of several watermarks.
        #[test]
        fn facts_come_once_and_in_order(
            steps in prop::collection::vec((prop::collection::vec((0..20_i64, 0..4_i64), 0..12), 0..22_i64), 1..6),
        ) {
            let (mut waiting, mut oracle) = (WaitingFacts::default(), BTreeMap::new());
            let mut remaining = 0;
            for (added, watermark) in steps {
                for place in added {
                    waiting.add(position(place), place);
                    oracle.insert(position(place), place);
                    remaining += 1;
                }
                let first = oracle.keys().next().map(|position| position.time);
                prop_assert_eq!(waiting.first_time(), first);
                let mut due = Vec::new();
                let duplicates = waiting.take_until(Timestamp::from_millis(watermark), &mut due);
                let later = oracle.split_off(&position((watermark, i64::MIN)));
                let expected: Vec<_> = std::mem::replace(&mut oracle, later).into_iter().collect();
                remaining -= due.len() + duplicates;
                prop_assert_eq!(due, expected);
                prop_assert_eq!(waiting.iter().count(), remaining);
                prop_assert_eq!(waiting.is_empty(), oracle.is_empty());
            }
        }
    }
}
