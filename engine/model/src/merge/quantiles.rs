//! Estimates quantiles with a mergeable sketch of a known relative error.

use serde::{Deserialize, Serialize};
use sketches_ddsketch::DDSketch;

use super::Merge;

/// The relative error of every quantile.
pub const QUANTILE_ERROR: f64 = 0.01;

/// A DDSketch. Each bin is 2 % wider than the one before, so a quantile is within [`QUANTILE_ERROR`] of the true
/// value. Merging adds the counts of the bins, and loses nothing if the values span at most 17 powers of ten. For a
/// wider span the 2,048 bins are not enough, and some are combined.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantiles(DDSketch);

impl std::fmt::Debug for Quantiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Quantiles({} values)", self.0.count())
    }
}

impl Quantiles {
    /// Adds a value ≥ 0.
    pub fn insert(&mut self, value: f64) {
        self.0.add(value);
    }

    /// Estimates the value at index ⌊`q` · (n − 1)⌋ of all n values in ascending order (`q` in 0..=1). Returns `None`
    /// without values. The relative error is at most [`QUANTILE_ERROR`], and the result is never outside the range of
    /// the values.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let estimate = self.0.quantile(q).ok().flatten()?;
        // The middle of a bin can be outside the range of the inserted values.
        Some(estimate.clamp(self.0.min()?, self.0.max()?))
    }
}

impl Merge for Quantiles {
    fn merge(&mut self, other: Self) {
        if let Err(error) = self.0.merge(&other.0) {
            unreachable!("sketches of one configuration always merge: {error:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_within_its_error_of_the_true_quantile(
            values in prop::collection::vec(0_u32..2_000_000, 1..300),
            split in 0_usize..300,
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| f64::from(value) / 1000.0).collect();
            let (left, right) = values.split_at(split.min(values.len()));
            let mut merged = Quantiles::default();
            for part in [right, left] {
                let mut sketch = Quantiles::default();
                part.iter().for_each(|value| sketch.insert(*value));
                let bytes = postcard::to_stdvec(&sketch).expect("serializes");
                merged.merge(postcard::from_bytes(&bytes).expect("deserializes"));
            }
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            for q in [0.5, 0.95, 0.99] {
                let rank = (q * (sorted.len() - 1) as f64) as usize;
                let found = merged.quantile(q).expect("has values");
                let range = sorted[0]..=sorted[sorted.len() - 1];
                prop_assert!(range.contains(&found), "q {} is {}, outside of all values", q, found);
                let near = |exact: f64| (found - exact).abs() <= QUANTILE_ERROR * exact + 1e-9;
                prop_assert!(near(sorted[rank]), "q {} is {} not {}", q, found, sorted[rank]);
            }
        }
    }
}
