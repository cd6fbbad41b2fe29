//! `fraud-alerts`: what looks like fraud in one user's transactions, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One finding of one rule about one user of a game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FraudAlert {
    /// The game.
    pub game_id: String,
    /// The user.
    pub user_id: String,
    /// The rule that fired.
    pub rule: FraudRule,
    /// The rule, and a fingerprint of game, user, rule and the first instant of the span: the same
    /// for all revisions and rule versions.
    pub alert_id: String,
    /// How urgent it is, by the score.
    pub severity: Severity,
    /// What happened, in a sentence.
    pub reason: String,
    /// How far the transactions are over the rule's threshold: 0 to 1, to three decimals.
    pub score: f64,
    /// The transactions that it rests on, at most 50: the latest of them, in the order of event time.
    pub transaction_ids: Vec<String>,
    /// How many it rests on.
    pub transactions: u64,
    /// The figures, and the parameters that they were held against.
    pub evidence: Evidence,
    /// The version of the rules' parameters.
    pub rule_version: u32,
}

/// What can look like fraud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FraudRule {
    /// Many purchases in a short time.
    Velocity,
    /// A purchase far above what the user pays, or above a limit.
    AmountSpike,
    /// Small purchases, then a large one: somebody tries whether a stolen card works.
    CardTesting,
    /// Many refunds, measured by the purchases.
    RefundAbuse,
    /// Purchases in several currencies.
    MultiCurrency,
    /// Purchases from several platforms within a short time.
    MultiPlatform,
    /// A transaction id that stands for two things, or a refund larger than its purchase.
    TransactionConflict,
}

impl FraudRule {
    /// Its name, as it stands in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Velocity => "velocity",
            Self::AmountSpike => "amount-spike",
            Self::CardTesting => "card-testing",
            Self::RefundAbuse => "refund-abuse",
            Self::MultiCurrency => "multi-currency",
            Self::MultiPlatform => "multi-platform",
            Self::TransactionConflict => "transaction-conflict",
        }
    }
}

impl fmt::Display for FraudRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A score below 0.6.
    Low,
    /// A score from 0.6.
    Medium,
    /// A score from 0.8.
    High,
}

impl Severity {
    /// The severity of a score.
    pub fn of(score: f64) -> Self {
        match score {
            score if score >= 0.8 => Self::High,
            score if score >= 0.6 => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// The figures of a finding beside its rule's parameters, whose names are those of the parameters
/// without the rule's. Money is a decimal string in `currency`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Evidence {
    /// Of `velocity`.
    Velocity {
        /// Purchases in the window.
        purchases: u64,
        /// The time from the first of them to the last.
        within_ms: i64,
        /// As many may be there.
        n: u64,
        /// The window.
        window_s: i64,
    },
    /// Of `amount-spike`.
    AmountSpike {
        /// What was paid.
        amount: String,
        /// In this currency.
        currency: String,
        /// The purchases before, in this currency, within the window.
        earlier_purchases: u64,
        /// Their mean, rounded half to even; null without any.
        mean: Option<String>,
        /// So many times the mean is too much.
        k: f64,
        /// So many purchases make a mean that counts.
        m: u64,
        /// An amount that is too much for anybody.
        limit: String,
        /// The window.
        window_s: i64,
    },
    /// Of `card-testing`.
    CardTesting {
        /// The small purchases before the large one.
        small_purchases: u64,
        /// What the large one was.
        amount: String,
        /// In this currency.
        currency: String,
        /// So many small ones are a test.
        n: u64,
        /// Below this a purchase is small.
        small: String,
        /// From this on it is large.
        large: String,
        /// The window.
        window_s: i64,
    },
    /// Of `refund-abuse`.
    RefundAbuse {
        /// Refunds in the window.
        refunds: u64,
        /// Purchases in the window.
        purchases: u64,
        /// `refunds` / `purchases` to three decimals; null without purchases.
        refund_ratio: Option<f64>,
        /// So many refunds are needed.
        n: u64,
        /// So many refunds for each purchase are too much.
        r: f64,
        /// The window.
        window_s: i64,
    },
    /// Of `multi-currency`.
    MultiCurrency {
        /// The currencies, sorted; at most 50 of them.
        currencies: Vec<String>,
        /// As many there may be.
        n: u64,
        /// The window.
        window_s: i64,
    },
    /// Of `multi-platform`.
    MultiPlatform {
        /// The platforms, sorted; at most 50 of them.
        platforms: Vec<String>,
        /// As many there may be.
        n: u64,
        /// The window.
        window_s: i64,
    },
    /// Of `transaction-conflict`.
    TransactionConflict {
        /// The transaction id.
        transaction_id: String,
        /// What contradicts what.
        conflict: Conflict,
        /// What the id stood for first.
        first: Statement,
        /// What it stands for now.
        now: Statement,
        /// How long an id is remembered.
        window_s: i64,
    },
}

/// How two records of one transaction id contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// They are different transactions.
    DifferentContent,
    /// One gives back more than the other took.
    RefundLargerThanPurchase,
}

/// What one record says of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// `purchase` or `refund`.
    pub transaction_type: String,
    /// How much.
    pub amount: String,
    /// In this currency.
    pub currency: String,
    /// From this platform.
    pub platform: String,
    /// When.
    pub time: crate::time::Timestamp,
}
