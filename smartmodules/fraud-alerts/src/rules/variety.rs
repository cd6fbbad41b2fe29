//! Purchases of more than n kinds within a window: what two rules have in common.

use std::collections::BTreeSet;

use model::Timestamp;
use model::derived::Evidence;

use super::{ids, score_of_haste, seconds};
use crate::alarm::Suspicion;
use crate::history::{Entry, History, Transaction};

/// How many kinds an alert names.
const NAMED_MAX: usize = 50;

/// More than `n` values of a field of purchases within a window.
#[derive(Clone, Debug)]
pub(super) struct Variety {
    pub(super) n: u64,
    pub(super) window_ms: i64,
    pub(super) field: fn(&Transaction) -> &str,
}

impl Variety {
    /// The latest purchase of each kind, the newest first.
    fn latest<'h>(&self, history: &'h History, now: Timestamp) -> Vec<&'h Entry> {
        let mut kinds = BTreeSet::new();
        let entries = history.within(now, self.window_ms);
        entries
            .filter(|entry| entry.transaction.is_purchase())
            .filter(|entry| kinds.insert((self.field)(&entry.transaction)))
            .collect()
    }

    /// Fires when there are more than `n`. `what` says what of, `evidence` makes the figures.
    pub(super) fn suspect(
        &self,
        history: &History,
        what: &str,
        evidence: fn(Vec<String>, u64, i64) -> Evidence,
    ) -> Option<Suspicion> {
        let newest = history.newest()?;
        let latest = self.latest(history, newest.time);
        let count = latest.len();
        if count as u64 <= self.n {
            return None;
        }
        let start = latest.last()?.time;
        let within_ms = newest.time.ms_since(start);
        let window_s = self.window_ms / 1_000;
        let named = self.names(&latest);
        Some(Suspicion {
            start,
            transaction_ids: ids(latest.into_iter()),
            score: score_of_haste(within_ms, self.window_ms),
            reason: format!(
                "purchases {what} within {}: {count} of them ({}), more than {} in {window_s} s",
                seconds(within_ms),
                named.join(", "),
                self.n
            ),
            evidence: evidence(named, self.n, window_s),
        })
    }

    fn names(&self, latest: &[&Entry]) -> Vec<String> {
        let names = latest.iter().map(|entry| (self.field)(&entry.transaction));
        let sorted: BTreeSet<_> = names.collect();
        let named = sorted.into_iter().take(NAMED_MAX);
        named.map(str::to_owned).collect()
    }

    pub(super) fn is_over(&self, history: &History, now: Timestamp) -> bool {
        self.latest(history, now).len() as u64 <= self.n
    }
}
