//! The sum of floating-point numbers, correctly rounded, so that it does not depend on the order of the additions.
//!
//! The sum is kept as numbers whose digits do not overlap, as in Shewchuk, "Adaptive Precision Floating-Point
//! Arithmetic" (1997). Nothing is rounded until the sum is read.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// An exact sum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FloatSum {
    /// The sum of the numbers below [`LARGE`].
    small: Parts,
    /// The sum of the other numbers, each multiplied by [`SCALE`], so that no order of the additions overflows.
    large: Parts,
}

/// 2^900. An overflow would need 2^124 smaller numbers.
const LARGE: f64 = f64::from_bits((1023 + 900) << 52);
/// 2^-200. Multiplying a large number by it is exact.
const SCALE: f64 = f64::from_bits((1023 - 200) << 52);

impl FloatSum {
    pub(crate) fn add(&mut self, value: f64) {
        if value.abs() < LARGE {
            self.small.add(value);
        } else {
            self.large.add(value * SCALE);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.small.0.iter().for_each(|part| self.small.add(*part));
        other.large.0.iter().for_each(|part| self.large.add(*part));
    }

    /// Returns the double that is nearest to the sum; infinite if the sum exceeds the range of a double.
    pub(crate) fn value(&self) -> f64 {
        if self.large.0.is_empty() {
            return self.small.value();
        }
        let mut sum = self.large.clone();
        self.small.0.iter().for_each(|part| sum.add(part * SCALE));
        sum.value() / SCALE
    }
}

/// Numbers that together represent a sum, in ascending order of magnitude. Their digits do not overlap, and none is
/// zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Parts(SmallVec<[f64; 2]>);

impl Parts {
    fn add(&mut self, value: f64) {
        let mut carried = value;
        let mut kept = 0;
        for at in 0..self.0.len() {
            let (sum, error) = two_sum(carried, self.0[at]);
            if error != 0.0 {
                self.0[kept] = error;
                kept += 1;
            }
            carried = sum;
        }
        self.0.truncate(kept);
        if carried != 0.0 {
            self.0.push(carried);
        }
    }

    fn value(&self) -> f64 {
        let mut parts = self.0.iter().rev().copied();
        let mut sum = parts.next().unwrap_or(0.0);
        while let Some(part) = parts.next() {
            let (next, error) = two_sum(sum, part);
            sum = next;
            if error != 0.0 {
                let rest = parts.next().unwrap_or(0.0);
                return round_tie(sum, error, rest);
            }
        }
        sum
    }
}

/// If the sum was rounded at a tie, the digits below it decide the direction.
fn round_tie(sum: f64, error: f64, rest: f64) -> f64 {
    let same_sign = (error < 0.0 && rest < 0.0) || (error > 0.0 && rest > 0.0);
    let doubled = error * 2.0;
    let rounded = sum + doubled;
    if same_sign && doubled == rounded - sum {
        rounded
    } else {
        sum
    }
}

/// Returns the rounded sum of two numbers, and the exact error of the rounding.
fn two_sum(left: f64, right: f64) -> (f64, f64) {
    let sum = left + right;
    let right_part = sum - left;
    let left_part = sum - right_part;
    (sum, (left - left_part) + (right - right_part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: &[f64]) -> FloatSum {
        let mut sum = FloatSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    #[test]
    fn nothing_is_lost_beside_large_numbers() {
        assert_eq!(sum(&[1e16, 1.0, -1e16]).value(), 1.0);
        assert_eq!(sum(&[0.1; 10]).value(), 1.0);
        // Halfway between two doubles, the smallest digit decides.
        assert_eq!(sum(&[1e16, 1.0, 1e-16]).value(), 1e16 + 2.0);
        assert_eq!(sum(&[1e16, 1.0]).value(), 1e16);
    }

    #[test]
    fn only_the_sum_itself_can_exceed_the_range() {
        assert_eq!(sum(&[1e308, 1e308, -1e308, 1.5]).value(), 1e308);
        assert_eq!(sum(&[1e308, -1e308, 1.5]).value(), 1.5);
        assert_eq!(sum(&[f64::MAX, f64::MAX]).value(), f64::INFINITY);
        assert_eq!(sum(&[f64::MAX, 1e290, -f64::MAX]).value(), 1e290);
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(
            mut values in prop::collection::vec(prop_oneof![-1e18_f64..1e18, prop::num::f64::NORMAL], 0..40),
            split in 0_usize..40,
        ) {
            let whole = sum(&values).value();
            let (left, right) = values.split_at(split.min(values.len()));
            let (mut merged, left) = (sum(right), sum(left));
            merged.merge(&left);
            prop_assert_eq!(merged.value(), whole);
            values.sort_by(f64::total_cmp);
            prop_assert_eq!(sum(&values).value(), whole);
        }
    }
}
