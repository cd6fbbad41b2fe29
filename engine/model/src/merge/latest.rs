//! Holds the value with the latest event time.

use serde::{Deserialize, Serialize};

use super::Merge;
use crate::time::Timestamp;

/// The value with the latest event time. Among several values of the same time it is the greatest, so that the
/// order of arrival does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest<T>(Option<(Timestamp, T)>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord> Latest<T> {
    /// Stores `value()` if nothing is stored yet, if `time` is later than the stored time, or if the times are equal
    /// and the value is greater than the stored one. `value` is not called if `time` is earlier.
    pub fn set(&mut self, time: Timestamp, value: impl FnOnce() -> T) {
        if self.0.as_ref().is_none_or(|(latest, _)| time >= *latest) {
            self.merge(Self(Some((time, value()))));
        }
    }

    /// Returns the value, if any was set.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

impl<T: Ord> Merge for Latest<T> {
    fn merge(&mut self, other: Self) {
        if other.0 > self.0 {
            *self = other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_wins_in_any_order() {
        let at = Timestamp::from_millis;
        let mut forward = Latest::default();
        [(1, "b"), (2, "a"), (2, "c"), (0, "z")]
            .into_iter()
            .for_each(|(ms, value)| forward.set(at(ms), || value));
        let mut backward = Latest::default();
        [(0, "z"), (2, "c"), (2, "a"), (1, "b")]
            .into_iter()
            .for_each(|(ms, value)| backward.set(at(ms), || value));
        assert_eq!((forward.get(), forward == backward), (Some(&"c"), true));
    }
}
