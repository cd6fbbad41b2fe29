//! Pauses between attempts, with random jitter, so that connectors that lost the connection to the same server do
//! not all reconnect at the same time.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use client::Backoff;

/// The growing pauses of the crate `client`, each multiplied by a random factor between one half and one.
#[derive(Debug)]
pub(crate) struct Pauses {
    backoff: Backoff,
    /// Turns `drawn` into a pseudo-random number. Each instance has its own seed.
    chance: RandomState,
    drawn: u64,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        Self {
            backoff: Backoff::new(),
            chance: RandomState::new(),
            drawn: 0,
        }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        self.drawn += 1;
        let chance = self.chance.hash_one(self.drawn) as f64 / u64::MAX as f64;
        self.backoff.pause().mul_f64(0.5 + chance / 2.0)
    }

    pub(crate) fn reset(&mut self) {
        self.backoff.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ_from_connector_to_connector() {
        let draw = || {
            let mut pauses = Pauses::new();
            (0..8).map(|_| pauses.pause()).collect::<Vec<_>>()
        };
        let (one, other) = (draw(), draw());
        assert_ne!(one, other);
        let mut even = Backoff::new();
        for pause in one {
            let whole = even.pause();
            assert!(
                pause >= whole / 2 && pause <= whole,
                "{pause:?} of {whole:?}"
            );
        }
    }
}
