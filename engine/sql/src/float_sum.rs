//! The sum of floating-point numbers, correctly rounded, so that it does not depend on the order of the additions.
//!
//! The sum is kept as numbers whose digits do not overlap, as in Shewchuk, "Adaptive Precision Floating-Point
//! Arithmetic" (1997). Nothing is rounded until the sum is read.

use smallvec::SmallVec;

/// An exact sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FloatSum {
    /// In ascending order of magnitude, without overlapping digits and without zeros.
    parts: SmallVec<[f64; 3]>,
    /// Whether the sum exceeded the range of a double.
    overflowed: bool,
}

impl FloatSum {
    pub(crate) fn add(&mut self, value: f64) {
        let mut carried = value;
        let mut kept = 0;
        for at in 0..self.parts.len() {
            let (sum, error) = two_sum(carried, self.parts[at]);
            if error != 0.0 {
                self.parts[kept] = error;
                kept += 1;
            }
            carried = sum;
        }
        self.parts.truncate(kept);
        self.overflowed |= !carried.is_finite();
        if carried != 0.0 {
            self.parts.push(carried);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.overflowed |= other.overflowed;
        for part in &other.parts {
            self.add(*part);
        }
    }

    /// Returns the double that is nearest to the sum; `None` if it exceeded the range of a double.
    pub(crate) fn value(&self) -> Option<f64> {
        if self.overflowed {
            return None;
        }
        let mut parts = self.parts.iter().rev().copied();
        let mut sum = parts.next().unwrap_or(0.0);
        while let Some(part) = parts.next() {
            let (next, error) = two_sum(sum, part);
            sum = next;
            if error != 0.0 {
                let rest = parts.next().unwrap_or(0.0);
                return Some(round_tie(sum, error, rest));
            }
        }
        Some(sum)
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
        assert_eq!(sum(&[1e16, 1.0, -1e16]).value(), Some(1.0));
        assert_eq!(sum(&[0.1; 10]).value(), Some(1.0));
        assert_eq!(sum(&[1e308, 1e308]).value(), None);
        // Halfway between two doubles, the smallest digit decides.
        assert_eq!(sum(&[1e16, 1.0, 1e-16]).value(), Some(1e16 + 2.0));
        assert_eq!(sum(&[1e16, 1.0]).value(), Some(1e16));
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(
            mut values in prop::collection::vec(-1e18_f64..1e18, 0..40),
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
