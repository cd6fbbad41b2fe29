//! The record of `fraud-alerts`: suspicious transactions of one user, and the evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One alert of one rule about one user of a game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FraudAlerts {
    /// The game.
    pub game_id: String,
    /// The user.
    pub user_id: String,
    /// The rule that fired.
    pub rule: FraudRule,
    /// The rule's name, followed by a fingerprint of the game, the user, the rule and `window_start`. An alert
    /// keeps its id in all revisions and under all rule versions.
    pub alert_id: String,
    /// The urgency, derived from the score.
    pub severity: Severity,
    /// What happened, as a sentence.
    pub reason: String,
    /// How suspicious the transactions are according to the rule: 0 to 1, to three decimals.
    pub score: f64,
    /// The ids of the latest transactions that led to the alert, at most 50, in the order of event time.
    pub transaction_ids: Vec<String>,
    /// The number of transactions that led to the alert.
    pub transactions: u64,
    /// The values that led to the alert, and the parameters of the rule.
    pub evidence: Evidence,
    /// The version of the rules' parameters.
    pub rule_version: u32,
}

/// The rules of `fraud-alerts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FraudRule {
    /// Many purchases in a short time.
    Velocity,
    /// A purchase far above the user's usual amount, or above a fixed limit.
    AmountSpike,
    /// Several small purchases followed by a large one, as when a thief tests a stolen card.
    CardTesting,
    /// Many refunds in relation to purchases.
    RefundAbuse,
    /// Purchases in several currencies.
    MultiCurrency,
    /// Purchases from several platforms within a short time.
    MultiPlatform,
    /// Two different transactions with the same id, or a refund larger than its purchase.
    TransactionConflict,
}

impl FraudRule {
    /// Returns the rule's name in records.
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

/// The urgency of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A score below 0.6.
    Low,
    /// A score of at least 0.6 and below 0.8.
    Medium,
    /// A score of at least 0.8.
    High,
}

impl Severity {
    /// Returns the severity for a score.
    pub fn of(score: f64) -> Self {
        match score {
            score if score >= 0.8 => Self::High,
            score if score >= 0.6 => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// The values of a detection and the parameters of its rule. A parameter's field has the parameter's name
/// without the prefix of the rule. Money is a decimal string in `currency`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Evidence {
    /// Evidence of `velocity`.
    Velocity {
        /// The number of purchases in the window.
        purchases: u64,
        /// The time from the first of these purchases to the last, in milliseconds.
        within_ms: i64,
        /// The largest number of purchases that raises no alert.
        n: u64,
        /// The length of the window in seconds.
        window_s: i64,
    },
    /// Evidence of `amount-spike`.
    AmountSpike {
        /// The amount paid.
        amount: String,
        /// The currency.
        currency: String,
        /// The number of earlier purchases in this currency within the window.
        earlier_purchases: u64,
        /// The mean of the earlier purchases, rounded half to even; null if there are none.
        mean: Option<String>,
        /// A purchase of at least this multiple of the mean raises an alert.
        k: f64,
        /// The mean is used only if there are at least this many earlier purchases.
        m: u64,
        /// A purchase of at least this amount raises an alert for every user; null if the currency has no
        /// limit.
        limit: Option<String>,
        /// The length of the window in seconds.
        window_s: i64,
    },
    /// Evidence of `card-testing`.
    CardTesting {
        /// The number of small purchases before the large one.
        small_purchases: u64,
        /// The amount of the large purchase.
        amount: String,
        /// The currency.
        currency: String,
        /// A large purchase raises an alert if at least this many small ones precede it in the window.
        n: u64,
        /// A purchase below this amount is small; null if no purchase in this currency is small.
        small: Option<String>,
        /// A purchase of at least this amount is large.
        large: String,
        /// The length of the window in seconds.
        window_s: i64,
    },
    /// Evidence of `refund-abuse`.
    RefundAbuse {
        /// The number of refunds in the window.
        refunds: u64,
        /// The number of purchases in the window.
        purchases: u64,
        /// `refunds` / `purchases` to three decimals; null without purchases.
        refund_ratio: Option<f64>,
        /// An alert requires at least this many refunds.
        n: u64,
        /// An alert also requires at least this many refunds per purchase.
        r: f64,
        /// The length of the window in seconds.
        window_s: i64,
    },
    /// Evidence of `multi-currency`.
    MultiCurrency {
        /// The currencies in alphabetical order, at most 50.
        currencies: Vec<String>,
        /// The largest number of currencies that raises no alert.
        n: u64,
        /// The length of the window in seconds.
        window_s: i64,
    },
    /// Evidence of `multi-platform`.
    MultiPlatform {
        /// The platforms in alphabetical order, at most 50.
        platforms: Vec<String>,
        /// The largest number of platforms that raises no alert.
        n: u64,
        /// The length of the window in seconds.
        window_s: i64,
    },
    /// Evidence of `transaction-conflict`.
    TransactionConflict {
        /// The transaction id.
        transaction_id: String,
        /// The kind of contradiction.
        conflict: Conflict,
        /// The content of the earlier record.
        first: Box<Statement>,
        /// The content of the later record.
        now: Box<Statement>,
        /// The names of the fields that differ, as in [`Statement`].
        #[serde(default)]
        differs: Vec<String>,
        /// How long an id is remembered, in seconds.
        window_s: i64,
    },
}

/// How two records with the same transaction id contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// The records describe different transactions.
    DifferentContent,
    /// A refund is larger than its purchase.
    RefundLargerThanPurchase,
}

/// What one record states about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// `purchase` or `refund`.
    pub transaction_type: String,
    /// The amount.
    pub amount: String,
    /// The currency.
    pub currency: String,
    /// The item.
    #[serde(default)]
    pub item_id: String,
    /// The item's category.
    #[serde(default)]
    pub item_type: String,
    /// The platform.
    pub platform: String,
    /// The event time.
    pub time: crate::time::Timestamp,
}
