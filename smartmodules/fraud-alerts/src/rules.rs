//! The rules. Each decides from a user's history whether the newest transaction is suspicious.

mod amount_spike;
mod card_testing;
mod refund_abuse;
#[cfg(test)]
pub(crate) mod testing;
mod transaction_conflict;
mod variety;
mod velocity;

use model::derived::FraudRule;
use model::{ParamError, Params, Timestamp, decimal};

use crate::alarm::Suspicion;
use crate::history::{Entry, History};

use amount_spike::AmountSpike;
use card_testing::CardTesting;
use refund_abuse::RefundAbuse;
use transaction_conflict::TransactionConflict;
use variety::{CURRENCY, PLATFORM, Variety};
use velocity::Velocity;

/// A rule that decides whether a transaction is suspicious.
pub(crate) trait Rule {
    /// Returns the length of the rule's window, that is, how far back it looks.
    fn window_ms(&self) -> i64;

    /// Returns the suspicion that the newest transaction of `history` raises, if any. Called only if the rule
    /// has not fired yet or the cause of its last alert has ended.
    fn suspect(&self, history: &mut History) -> Option<Suspicion>;

    /// Returns whether the cause of the rule's last alert had ended at `now`. The newest transaction of `history`
    /// is at most one millisecond later than `now`. The default, for rules that fire for a single transaction, is
    /// always true.
    fn is_over(&self, _history: &History, _now: Timestamp) -> bool {
        true
    }
}

/// All rules with their parameters.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    velocity: Velocity,
    amount_spike: AmountSpike,
    card_testing: CardTesting,
    refund_abuse: RefundAbuse,
    multi_currency: Variety,
    multi_platform: Variety,
    transaction_conflict: TransactionConflict,
}

impl Rules {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            velocity: Velocity::from_params(params)?,
            amount_spike: AmountSpike::from_params(params)?,
            card_testing: CardTesting::from_params(params)?,
            refund_abuse: RefundAbuse::from_params(params)?,
            multi_currency: Variety::from_params(&CURRENCY, params)?,
            multi_platform: Variety::from_params(&PLATFORM, params)?,
            transaction_conflict: TransactionConflict::from_params(params)?,
        })
    }

    /// Returns all rules in the order in which they are evaluated.
    pub(crate) fn all(&self) -> [(FraudRule, &dyn Rule); 7] {
        [
            (FraudRule::Velocity, &self.velocity),
            (FraudRule::AmountSpike, &self.amount_spike),
            (FraudRule::CardTesting, &self.card_testing),
            (FraudRule::RefundAbuse, &self.refund_abuse),
            (FraudRule::MultiCurrency, &self.multi_currency),
            (FraudRule::MultiPlatform, &self.multi_platform),
            (FraudRule::TransactionConflict, &self.transaction_conflict),
        ]
    }

    /// Returns the length of the longest window.
    pub(crate) fn memory_ms(&self) -> i64 {
        let windows = self.all().map(|(_, rule)| rule.window_ms());
        windows.into_iter().fold(0, i64::max)
    }

    /// Returns whether `entry` repeats a record in the history.
    pub(crate) fn is_duplicate(&self, history: &History, entry: &Entry) -> bool {
        self.transaction_conflict.is_duplicate(history, entry)
    }
}

/// Returns a score for events that are more suspicious the faster they follow each other: 1 if all occur at
/// one instant, 0.5 if they take the whole window.
fn score_of_haste(within_ms: i64, window_ms: i64) -> f64 {
    let (within, window) = (i128::from(within_ms), i128::from(window_ms));
    decimal::ratio(2 * window - within, 2 * window, 3)
}

/// Returns a score for a value at or above a threshold: 0.5 at the threshold, approaching 1 far above it.
fn score_of_excess(threshold: i128, value: i128) -> f64 {
    if value == 0 {
        return 1.0;
    }
    decimal::ratio(2 * value - threshold, 2 * value, 3)
}

/// Formats milliseconds as seconds, for the reason of an alert.
fn seconds(ms: i64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// Returns the ids of the transactions in the order of event time.
fn ids<'e>(newest_first: impl DoubleEndedIterator<Item = &'e Entry>) -> Vec<String> {
    let entries = newest_first.rev();
    entries.map(|entry| entry.transaction.id.clone()).collect()
}
