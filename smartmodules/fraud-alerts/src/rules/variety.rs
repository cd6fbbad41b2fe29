//! `multi-currency` and `multi-platform`: purchases with more than n different values of one field in a
//! window.

use std::collections::BTreeSet;

use model::derived::Evidence;
use model::{ParamError, Params, Timestamp};

use super::{Rule, ids, score_of_haste, seconds};
use crate::alarm::Suspicion;
use crate::history::{Entry, History, Transaction};
use crate::parameters;

/// The largest number of values that an alert lists.
const NAMED_MAX: usize = 50;

/// The field that a rule checks, and the names of the rule's parameters.
#[derive(Debug)]
pub(crate) struct WatchedField {
    /// The name of the parameter `n`: the largest number of different values that raises no alert. Its default is 1.
    n: &'static str,
    /// The name of the parameter for the window, and its default in seconds.
    window_s: (&'static str, i64),
    value: fn(&Transaction) -> &str,
    /// Completes "purchases …" in the alert's reason.
    phrase: &'static str,
    evidence: fn(Vec<String>, u64, i64) -> Evidence,
}

pub(crate) const CURRENCY: WatchedField = WatchedField {
    n: "multi_currency_n",
    window_s: ("multi_currency_window_s", 3_600),
    value: |transaction| &transaction.currency,
    phrase: "in several currencies",
    evidence: |currencies, n, window_s| Evidence::MultiCurrency {
        currencies,
        n,
        window_s,
    },
};

pub(crate) const PLATFORM: WatchedField = WatchedField {
    n: "multi_platform_n",
    window_s: ("multi_platform_window_s", 60),
    value: |transaction| &transaction.platform,
    phrase: "from several platforms",
    evidence: |platforms, n, window_s| Evidence::MultiPlatform {
        platforms,
        n,
        window_s,
    },
};

/// The rule for one field. It fires when the purchases of a window have more than `n` different values of the
/// field. The alert ends when they have at most `n`.
#[derive(Clone, Debug)]
pub(crate) struct Variety {
    field: &'static WatchedField,
    n: u64,
    window_ms: i64,
}

impl Variety {
    pub(crate) fn from_params(
        field: &'static WatchedField,
        params: &Params,
    ) -> Result<Self, ParamError> {
        let (window_s, default_s) = field.window_s;
        Ok(Self {
            field,
            n: parameters::count(params, field.n, 1)?,
            window_ms: parameters::window_ms(params, window_s, default_s)?,
        })
    }

    /// Returns the latest purchase with each value, the newest first.
    fn latest<'h>(&self, history: &'h History, now: Timestamp) -> Vec<&'h Entry> {
        let mut values = BTreeSet::new();
        let entries = history.within(now, self.window_ms);
        entries
            .filter(|entry| entry.transaction.is_purchase())
            .filter(|entry| values.insert((self.field.value)(&entry.transaction)))
            .collect()
    }

    fn names(&self, latest: &[&Entry]) -> Vec<String> {
        let values = latest
            .iter()
            .map(|entry| (self.field.value)(&entry.transaction));
        let sorted: BTreeSet<_> = values.collect();
        let named = sorted.into_iter().take(NAMED_MAX);
        named.map(str::to_owned).collect()
    }
}

impl Rule for Variety {
    fn window_ms(&self) -> i64 {
        self.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
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
                "purchases {} within {}: {count} of them ({}), more than {} in {window_s} s",
                self.field.phrase,
                seconds(within_ms),
                named.join(", "),
                self.n
            ),
            evidence: (self.field.evidence)(named, self.n, window_s),
        })
    }

    fn is_over(&self, history: &History, now: Timestamp) -> bool {
        self.latest(history, now).len() as u64 <= self.n
    }
}

#[cfg(test)]
mod tests;
