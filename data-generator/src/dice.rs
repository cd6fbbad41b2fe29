//! Random numbers that are the same on every machine. They are computed from integers and exact binary fractions,
//! because the results of logarithms and of `usize` ranges can differ between machines.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers. Streams with the same seed but different stream numbers are independent of each other.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    source: ChaCha8Rng,
}

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream);
        Self { source }
    }

    /// Returns a random number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        match u32::try_from(bound) {
            Ok(bound) => (u64::from(self.source.next_u32()) * u64::from(bound)) >> 32,
            Err(_) => ((u128::from(self.source.next_u64()) * u128::from(bound)) >> 64) as u64,
        }
    }

    /// Returns a number in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low) + 1).cast_signed()
    }

    /// Returns an index below `length`, which must not be 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.index(things.len())]
    }

    /// Returns true with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        f64::from(self.source.next_u32()) < probability * (1u64 << 32) as f64
    }

    /// Returns true with a probability of this many percent.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// Returns a random index into `weights`. The probability of an index is proportional to the weight at that index.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        let mut rest = self.below(total);
        for (place, weight) in weights.iter().enumerate() {
            match rest.checked_sub(u64::from(*weight)) {
                Some(left) => rest = left,
                None => return place,
            }
        }
        weights.len() - 1
    }

    /// Returns a random pause with this mean, uniformly distributed from a quarter to seven quarters of the mean.
    pub(crate) fn pause(&mut self, mean: i64) -> i64 {
        let quarter = mean / 4;
        self.between(quarter, 2 * mean - quarter)
    }
}
