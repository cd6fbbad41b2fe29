//! Estimates the shares and habits of personas by expectation maximization: each person belongs to each persona with
//! the probability that the person's steps suggest, and the habits of a persona follow from the steps of all people.

use super::census::{Life, Steps};

const ROUNDS: usize = 30;

/// The share of a persona, and the estimated probabilities.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) share: f64,
    pub(super) to_match: f64,
    pub(super) to_shop: f64,
    pub(super) to_offline: f64,
    pub(super) matched: f64,
    pub(super) ends_match: f64,
    pub(super) leaves_shop: f64,
    pub(super) buys: f64,
}

/// Starts from rough guesses that only tell the personas apart.
const GUESSES: [Found; 3] = [
    guess(0.4, 0.4, 0.2, 0.15, 0.8, 0.1),
    guess(0.7, 0.1, 0.1, 0.03, 0.8, 0.1),
    guess(0.4, 0.3, 0.2, 0.06, 0.6, 0.6),
];

const fn guess(
    to_match: f64,
    to_offline: f64,
    to_shop: f64,
    ends_match: f64,
    leaves_shop: f64,
    buys: f64,
) -> Found {
    Found {
        share: 1.0 / 3.0,
        to_match,
        to_shop,
        to_offline,
        matched: 0.9,
        ends_match,
        leaves_shop,
        buys,
    }
}

pub(super) fn estimate(lives: &[&Life]) -> [Found; 3] {
    let mut found = GUESSES;
    for _ in 0..ROUNDS {
        let mut sums = [Sums::default(); 3];
        for life in lives {
            let logs = found.map(|found| found.log_likelihood(&life.steps));
            let most = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let weights = logs.map(|log| (log - most).exp());
            let all: f64 = weights.iter().sum();
            for (sums, weight) in sums.iter_mut().zip(weights) {
                sums.add(&life.steps, weight / all);
            }
        }
        found = sums.map(|sums| sums.found(lives.len() as f64));
    }
    found
}

impl Found {
    fn log_likelihood(&self, steps: &Steps) -> f64 {
        let times = |count: u32, probability: f64| f64::from(count) * probability.max(1e-9).ln();
        self.share.ln()
            + times(steps.to_match, self.to_match)
            + times(steps.to_shop, self.to_shop)
            + times(steps.to_offline, self.to_offline)
            + times(steps.matched, self.matched)
            + times(steps.unmatched, 1.0 - self.matched)
            + times(steps.ended, self.ends_match)
            + times(steps.in_match - steps.ended, 1.0 - self.ends_match)
            + times(steps.left_shop, self.leaves_shop)
            + times(steps.in_shop - steps.left_shop, 1.0 - self.leaves_shop)
            + times(steps.trades, self.buys)
            + times(steps.in_shop.saturating_sub(steps.trades), 1.0 - self.buys)
    }
}

/// The steps of all people, each weighted with the probability that the person belongs to the persona.
#[derive(Default, Clone, Copy)]
struct Sums {
    people: f64,
    to_match: f64,
    to_shop: f64,
    to_offline: f64,
    matched: f64,
    unmatched: f64,
    in_match: f64,
    ended: f64,
    in_shop: f64,
    left_shop: f64,
    trades: f64,
}

impl Sums {
    fn add(&mut self, steps: &Steps, weight: f64) {
        self.people += weight;
        for (sum, count) in [
            (&mut self.to_match, steps.to_match),
            (&mut self.to_shop, steps.to_shop),
            (&mut self.to_offline, steps.to_offline),
            (&mut self.matched, steps.matched),
            (&mut self.unmatched, steps.unmatched),
            (&mut self.in_match, steps.in_match),
            (&mut self.ended, steps.ended),
            (&mut self.in_shop, steps.in_shop),
            (&mut self.left_shop, steps.left_shop),
            (&mut self.trades, steps.trades),
        ] {
            *sum += weight * f64::from(count);
        }
    }

    fn found(self, people: f64) -> Found {
        let left = self.to_match + self.to_shop + self.to_offline;
        Found {
            share: self.people / people,
            to_match: self.to_match / left,
            to_shop: self.to_shop / left,
            to_offline: self.to_offline / left,
            matched: self.matched / (self.matched + self.unmatched),
            ends_match: self.ended / self.in_match,
            leaves_shop: self.left_shop / self.in_shop,
            buys: self.trades / self.in_shop,
        }
    }
}
