//! Recomputes the expected fraud alerts. For each transaction, each rule examines all earlier transactions of the user.
//! The only state that a rule keeps between transactions is what it has reported.

mod conflict;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Rows;
use super::accept::{Event, purchase_events_one_by_one, record_key};
use super::compare::revision_key;
use super::measures::timestamp;
use super::money::minor_digits;
use super::players::sorted_by;

/// The parameters of the rules, as in the dataflow file. Pairs consist of a limit and a window length in seconds.
#[derive(Clone, Copy)]
pub(crate) struct FraudRules {
    pub(crate) velocity: (usize, i64),
    pub(crate) spike_k: i64,
    pub(crate) spike_m: usize,
    pub(crate) spike_limit: Limit,
    pub(crate) spike_window_s: i64,
    pub(crate) testing_n: usize,
    pub(crate) testing_small: Limit,
    pub(crate) testing_large: Limit,
    pub(crate) testing_window_s: i64,
    pub(crate) refunds_n: usize,
    /// The limit for the ratio of refunds, in thousandths.
    pub(crate) refunds_r: usize,
    pub(crate) refunds_window_s: i64,
    pub(crate) currencies: (usize, i64),
    pub(crate) platforms: (usize, i64),
    pub(crate) conflict_window_s: i64,
}

/// A limit for amounts in any currency, as in the dataflow file.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// A value in dollars, converted to each currency.
    Worth(i64),
    /// The same number in every currency.
    Amount(i64),
}

impl Limit {
    /// Returns the limit in minor units; `None` if the currency has no limit.
    fn minor(self, currency: &str) -> Option<i64> {
        // The value of ten dollars in this currency.
        let tens = match currency.to_uppercase().as_str() {
            "USD" => 10.0,
            "EUR" => 9.0,
            "JPY" => 1_500.0,
            "BHD" => 3.8,
            "KWD" => 3.0,
            _ => f64::NAN,
        };
        let unit = 10_f64.powi(minor_digits(currency) as i32);
        let minor = match self {
            Self::Worth(dollars) => dollars as f64 / 10.0 * tens * unit,
            Self::Amount(amount) => amount as f64 * unit,
        };
        (!minor.is_nan()).then_some(minor.round() as i64)
    }
}

impl Default for FraudRules {
    /// Returns the parameters of the dataflow file at the root.
    fn default() -> Self {
        Self {
            velocity: (5, 60),
            spike_k: 10,
            spike_m: 3,
            spike_limit: Limit::Worth(500),
            spike_window_s: 3_600,
            testing_n: 3,
            testing_small: Limit::Worth(1),
            testing_large: Limit::Worth(50),
            testing_window_s: 600,
            refunds_n: 3,
            refunds_r: 500,
            refunds_window_s: 3_600,
            currencies: (1, 3_600),
            platforms: (1, 60),
            conflict_window_s: 3_600,
        }
    }
}

struct Transaction {
    time_ms: i64,
    id: String,
    is_purchase: bool,
    item: String,
    item_type: String,
    currency: String,
    platform: String,
    minor: i64,
}

/// A case that a rule must report.
struct Finding {
    rule: &'static str,
    since_ms: i64,
    at_ms: i64,
    /// The ids of the transactions that form the evidence.
    ids: Vec<String>,
    score: f64,
    /// The reason in words; `None` if the definition of the rule allows several wordings.
    reason: Option<String>,
    evidence: Value,
}

/// Returns the expected rows of `fraud-alerts`, with each revision as a row of its own.
pub(crate) fn fraud_alerts(records: &[client::Record], rules: &FraudRules) -> Rows {
    let mut rows = Rows::new();
    let key = |event: &Event| [event.game(), event.text("user_data", "user_id")];
    for (user, events) in sorted_by(purchase_events_one_by_one(records), key) {
        let transactions = distinct(&events);
        let mut alerts: BTreeMap<_, Vec<Finding>> = BTreeMap::new();
        for finding in rules::findings(&transactions, rules) {
            let alert = alerts.entry((finding.rule, finding.since_ms));
            alert.or_default().push(finding);
        }
        for ((rule, since_ms), findings) in alerts {
            let key = record_key(&[&user[0], &user[1], rule]);
            for revision in 0..findings.len() {
                let row = row(&user, &findings[..=revision]);
                rows.insert((since_ms, revision_key(&key, revision as u64)), row);
            }
        }
    }
    rows
}

/// Returns each transaction once, even if its record was repeated.
fn distinct(events: &[Event]) -> Vec<Transaction> {
    let mut seen = BTreeSet::new();
    let events = events.iter().filter(|event| seen.insert(event.content()));
    let transaction = |event: &Event| Transaction {
        time_ms: event.time_ms,
        id: event.text("parameters", "transaction_id"),
        is_purchase: event.text("parameters", "transaction_type") == "purchase",
        item: event.text("parameters", "item_id"),
        item_type: event.text("parameters", "item_type"),
        currency: event.text("parameters", "currency"),
        platform: event.text("user_data", "platform"),
        minor: event.minor(),
    };
    events.map(transaction).collect()
}

/// Returns the last revision of an alert with these findings, which include those of the earlier revisions.
fn row(user: &[String; 2], findings: &[Finding]) -> Value {
    const IDS_MAX: usize = 50;
    let last = &findings[findings.len() - 1];
    let scores = findings.iter().map(|finding| finding.score);
    let score = scores.fold(0.0, f64::max);
    let ids: Vec<&String> = findings.iter().flat_map(|finding| &finding.ids).collect();
    let mut row = json!({
        "window_start": timestamp(last.since_ms), "window_end": timestamp(last.at_ms + 1),
        "game_id": user[0], "user_id": user[1], "rule": last.rule, "rule_version": 1,
        "score": score, "transactions": ids.len(),
        "transaction_ids": ids[ids.len().saturating_sub(IDS_MAX)..],
        "evidence": last.evidence,
    });
    if let Some(reason) = &last.reason {
        row["reason"] = json!(match findings.len() - 1 {
            0 => reason.clone(),
            more => format!("{reason}; {more} more at the same time"),
        });
    }
    // If the score is close to a limit, its last digit decides the severity, which is then not compared.
    let is_clear = |limit: &f64| score == *limit || (score - limit).abs() > 1e-3;
    if [0.6, 0.8].iter().all(is_clear) {
        let severity = match score {
            0.8.. => "high",
            0.6.. => "medium",
            _ => "low",
        };
        row["severity"] = json!(severity);
    }
    row
}
