//! Count, sum, minimum and maximum of integers, for a mean and a range without intermediate rounding.

use serde::{Deserialize, Serialize};

use super::Merge;
use crate::decimal;

/// Integer readings, summed exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    count: u64,
    sum: i128,
    range: Option<(i64, i64)>,
}

impl Spread {
    /// Adds one reading.
    pub fn insert(&mut self, value: i64) {
        self.merge(Self {
            count: 1,
            sum: i128::from(value),
            range: Some((value, value)),
        });
    }

    /// Returns the number of readings.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the mean in units of `unit`, rounded half to even to three decimals; `None` without readings.
    pub fn mean(&self, unit: i64) -> Option<f64> {
        let denominator = i128::from(self.count) * i128::from(unit);
        (self.count > 0).then(|| decimal::ratio(self.sum, denominator, 3))
    }

    /// Returns the largest reading in units of `unit`, rounded like the mean; `None` without readings.
    pub fn max(&self, unit: i64) -> Option<f64> {
        self.range
            .map(|(_, max)| decimal::ratio(i128::from(max), i128::from(unit), 3))
    }

    /// Returns the smallest reading in units of `unit`, rounded like the mean; `None` without readings.
    pub fn min(&self, unit: i64) -> Option<f64> {
        self.range
            .map(|(min, _)| decimal::ratio(i128::from(min), i128::from(unit), 3))
    }

    /// Returns whether the exact mean exceeds `limit`, which is in the readings' own units; false without readings.
    pub fn mean_exceeds(&self, limit: i64) -> bool {
        self.sum > i128::from(limit) * i128::from(self.count)
    }
}

impl Merge for Spread {
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_range_are_exact_and_empty_is_none() {
        let mut spread = Spread::default();
        assert_eq!(
            (
                spread.mean(1),
                spread.max(1),
                spread.min(1),
                spread.mean_exceeds(-1)
            ),
            (None, None, None, false)
        );
        [90_000_000, 90_000_001, 89_999_999]
            .into_iter()
            .for_each(|value| spread.insert(value));
        assert_eq!(
            (spread.mean(1_000_000), spread.max(1), spread.min(1)),
            (Some(90.0), Some(90_000_001.0), Some(89_999_999.0))
        );
        assert!(!spread.mean_exceeds(90_000_000));
        spread.insert(90_000_001);
        assert!(spread.mean_exceeds(90_000_000));
    }
}
