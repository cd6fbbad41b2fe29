//! What has to be said of users' transactions: each rule looks at all that one user ever did, anew
//! for each transaction, and remembers nothing but what it has said.

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

/// When a rule fires, in the figures of the map.
#[derive(Clone, Copy)]
pub(crate) struct FraudRules {
    pub(crate) velocity: (usize, i64),
    pub(crate) spike_k: i64,
    pub(crate) spike_m: usize,
    pub(crate) spike_limit: i64,
    pub(crate) spike_window_s: i64,
    pub(crate) testing_n: usize,
    pub(crate) testing_small: i64,
    pub(crate) testing_large: i64,
    pub(crate) testing_window_s: i64,
    pub(crate) refunds_n: usize,
    /// In thousandths.
    pub(crate) refunds_r: usize,
    pub(crate) refunds_window_s: i64,
    pub(crate) currencies: (usize, i64),
    pub(crate) platforms: (usize, i64),
    pub(crate) conflict_window_s: i64,
}

impl Default for FraudRules {
    /// Those of the map at the root.
    fn default() -> Self {
        Self {
            velocity: (5, 60),
            spike_k: 10,
            spike_m: 3,
            spike_limit: 500,
            spike_window_s: 3_600,
            testing_n: 3,
            testing_small: 1,
            testing_large: 50,
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

/// One transaction of a user.
struct Transaction {
    time_ms: i64,
    id: String,
    is_purchase: bool,
    item: String,
    currency: String,
    platform: String,
    minor: i64,
}

/// What a rule says.
struct Finding {
    rule: &'static str,
    since_ms: i64,
    at_ms: i64,
    /// Evidence, by id.
    ids: Vec<String>,
    score: f64,
    /// Where the definition has one sentence for it.
    reason: Option<String>,
    evidence: Value,
}

/// The rows of `fraud-alerts`, each revision by itself.
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

/// Each transaction once, however often its record came.
fn distinct(events: &[Event]) -> Vec<Transaction> {
    let mut seen = BTreeSet::new();
    let events = events.iter().filter(|event| seen.insert(event.content()));
    let transaction = |event: &Event| Transaction {
        time_ms: event.time_ms,
        id: event.text("parameters", "transaction_id"),
        is_purchase: event.text("parameters", "transaction_type") == "purchase",
        item: event.text("parameters", "item_id"),
        currency: event.text("parameters", "currency"),
        platform: event.text("user_data", "platform"),
        minor: event.minor(),
    };
    events.map(transaction).collect()
}

/// The last of these findings, which are one alert: it speaks for those before it too.
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
    // So close to a limit the score's last digit decides.
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

/// A figure of the map in minor units of a currency.
fn minor(figure: i64, currency: &str) -> i64 {
    figure * 10_i64.pow(minor_digits(currency) as u32)
}
