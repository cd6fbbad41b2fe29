//! Holds the value with the earliest event time.

use serde::{Deserialize, Serialize};

use super::Merge;
use crate::time::Timestamp;

/// The value with the earliest event time. Among several values of the same time it is the least, so that the order
/// of arrival does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earliest<T>(Option<(Timestamp, T)>);

impl<T> Default for Earliest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord> Earliest<T> {
    /// Stores `value()` if nothing is stored yet, if `time` is earlier than the stored time, or if the times are equal
    /// and the value is less than the stored one. `value` is not called if `time` is later.
    pub fn set(&mut self, time: Timestamp, value: impl FnOnce() -> T) {
        if self.0.as_ref().is_none_or(|(first, _)| time <= *first) {
            self.merge(Self(Some((time, value()))));
        }
    }

    /// Returns the value, if any was set.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

impl<T: Ord> Merge for Earliest<T> {
    fn merge(&mut self, other: Self) {
        if self.0.is_none() || other.0.is_some() && other.0 < self.0 {
            *self = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_wins_in_any_order() {
        let set = |values: &[(i64, &'static str)]| {
            let mut earliest = Earliest::default();
            for (ms, value) in values {
                earliest.set(Timestamp::from_millis(*ms), || *value);
            }
            earliest
        };
        let forward = set(&[(1, "b"), (0, "y"), (0, "x"), (2, "a")]);
        let backward = set(&[(2, "a"), (0, "x"), (0, "y"), (1, "b")]);
        assert_eq!((forward.get(), forward == backward), (Some(&"x"), true));
        for (first, second) in [
            (set(&[(1, "b")]), set(&[(0, "y"), (0, "x")])),
            (set(&[(0, "x")]), set(&[])),
        ] {
            for (mut merged, other) in [(first.clone(), second.clone()), (second, first)] {
                merged.merge(other);
                assert_eq!(merged.get(), Some(&"x"));
            }
        }
    }
}
