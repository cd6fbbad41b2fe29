//! The rules: each looks at a user's history and says whether its newest transaction is suspicious.

mod amount_spike;
mod card_testing;
mod multi_currency;
mod multi_platform;
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
use multi_currency::MultiCurrency;
use multi_platform::MultiPlatform;
use refund_abuse::RefundAbuse;
use transaction_conflict::TransactionConflict;
use velocity::Velocity;

/// One rule.
pub(crate) trait Rule {
    /// How far back it looks.
    fn window_ms(&self) -> i64;

    /// What it finds now that `history` has its newest transaction; asked while it has not fired, or
    /// what it fired for is over.
    fn suspect(&self, history: &mut History) -> Option<Suspicion>;

    /// Whether what it fired for was over at `now`, which is not before any transaction followed so
    /// far. A rule that fires for one transaction is always ready for the next.
    fn is_over(&self, _history: &History, _now: Timestamp) -> bool {
        true
    }
}

/// All rules, with their parameters.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    velocity: Velocity,
    amount_spike: AmountSpike,
    card_testing: CardTesting,
    refund_abuse: RefundAbuse,
    multi_currency: MultiCurrency,
    multi_platform: MultiPlatform,
    transaction_conflict: TransactionConflict,
}

impl Rules {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            velocity: Velocity::from_params(params)?,
            amount_spike: AmountSpike::from_params(params)?,
            card_testing: CardTesting::from_params(params)?,
            refund_abuse: RefundAbuse::from_params(params)?,
            multi_currency: MultiCurrency::from_params(params)?,
            multi_platform: MultiPlatform::from_params(params)?,
            transaction_conflict: TransactionConflict::from_params(params)?,
        })
    }

    /// In the order in which they are asked.
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

    /// How far back any of them looks.
    pub(crate) fn memory_ms(&self) -> i64 {
        let windows = self.all().map(|(_, rule)| rule.window_ms());
        windows.into_iter().fold(0, i64::max)
    }

    /// Whether `entry` is a record of the history once more.
    pub(crate) fn is_duplicate(&self, history: &History, entry: &Entry) -> bool {
        self.transaction_conflict.is_duplicate(history, entry)
    }
}

/// The score of what is the surer the faster it went: 1 within an instant, 0.5 within the window.
fn score_of_haste(within_ms: i64, window_ms: i64) -> f64 {
    let (within, window) = (i128::from(within_ms), i128::from(window_ms));
    decimal::ratio(2 * window - within, 2 * window, 3)
}

/// The score of what reached a threshold: 0.5 at the threshold, towards 1 far above it.
fn score_of_excess(threshold: i128, value: i128) -> f64 {
    if value == 0 {
        return 1.0;
    }
    decimal::ratio(2 * value - threshold, 2 * value, 3)
}

/// Milliseconds as seconds, for a person.
fn seconds(ms: i64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// The transactions' ids in the order of event time.
fn ids<'e>(newest_first: impl DoubleEndedIterator<Item = &'e Entry>) -> Vec<String> {
    let entries = newest_first.rev();
    entries.map(|entry| entry.transaction.id.clone()).collect()
}
