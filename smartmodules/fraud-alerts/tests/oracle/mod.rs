//! Recomputes the rules by brute force and without state: it compares every transaction with all others.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;
use serde_json::Value;

/// An alert about one user, reduced to the fields that the tests compare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alert {
    pub(crate) rule: String,
    /// The game and the user, in this order.
    pub(crate) user: (String, String),
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) revision: u64,
    pub(crate) ids: Vec<String>,
    /// For a conflict, the fields that differ.
    pub(crate) differs: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Transaction {
    ms: i64,
    id: String,
    is_purchase: bool,
    currency: String,
    /// The amount in minor units: hundredths of a dollar, whole yen, or fils.
    amount: i64,
    item: String,
    item_type: String,
    platform: String,
}

/// A detection: the index of the transaction that fires the rule, the start of the span, and the indices of the
/// evidence.
type Found = (usize, i64, Vec<usize>);

/// Three limits: purchases below the first are small, purchases of at least the second are large, and purchases
/// of at least the third raise an alert by themselves.
type Limits = (Option<i64>, Option<i64>, Option<i64>);

/// Returns the limits that result from the parameters, in minor units. A limit that is set for a currency (`JPY 4000`,
/// `KWD none`) applies as it is. The others are converted: a dollar counts as 0.90 EUR, 150 JPY or 0.300 KWD.
fn limits(currency: &str) -> Limits {
    match currency {
        "USD" | "usd" => (Some(100), Some(3_000), Some(6_000)),
        "EUR" => (Some(90), Some(2_700), Some(5_400)),
        "JPY" => (Some(150), Some(4_000), Some(5_000)),
        "KWD" => (Some(300), Some(9_000), None),
        _ => (None, None, None),
    }
}

/// Returns all alerts in sorted order.
pub(crate) fn recomputed(records: &[Value], unique: bool) -> Vec<Alert> {
    let user = |record: &Value| {
        let user = record["user_data"]["user_id"].as_str().expect("a user");
        let game = record["parameters"]["game_id"].as_str();
        (game.unwrap_or("default").to_owned(), user.to_owned())
    };
    let users: BTreeSet<(String, String)> = records.iter().map(user).collect();
    let mut alerts = Vec::new();
    for name in users {
        let mut transactions: Vec<Transaction> = Vec::new();
        for record in records.iter().filter(|record| user(record) == name) {
            let transaction = transaction(record);
            if !unique || !transactions.contains(&transaction) {
                transactions.push(transaction);
            }
        }
        transactions.sort_by_key(|transaction| transaction.ms);
        for (rule, found) in found(&transactions, unique) {
            alerts.extend(alerts_of(rule, &name, &transactions, found));
        }
    }
    alerts.sort();
    alerts
}

fn transaction(record: &Value) -> Transaction {
    let parameters = &record["parameters"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let time = Timestamp::parse(&text(&record["event_timestamp"])).expect("a time");
    let amount = parameters["amount"].as_f64().expect("a number");
    let scale = match text(&parameters["currency"]).as_str() {
        "JPY" => 1.0,
        "KWD" => 1_000.0,
        _ => 100.0,
    };
    Transaction {
        ms: time.as_millis() - super::EPOCH_MS,
        id: text(&parameters["transaction_id"]),
        is_purchase: parameters["transaction_type"] == "purchase",
        currency: text(&parameters["currency"]),
        amount: (amount * scale).round() as i64,
        item: text(&parameters["item_id"]),
        item_type: text(&parameters["item_type"]),
        platform: text(&record["user_data"]["platform"]),
    }
}

fn found(transactions: &[Transaction], unique: bool) -> [(&'static str, Vec<Found>); 7] {
    [
        ("velocity", velocity(transactions)),
        ("amount-spike", amount_spike(transactions)),
        ("card-testing", card_testing(transactions)),
        ("refund-abuse", refund_abuse(transactions)),
        (
            "multi-currency",
            variety(transactions, 30_000, 1, |transaction| &transaction.currency),
        ),
        (
            "multi-platform",
            variety(transactions, 15_000, 2, |transaction| &transaction.platform),
        ),
        (
            "transaction-conflict",
            if unique {
                conflicts(transactions)
            } else {
                Vec::new()
            },
        ),
    ]
}

/// Turns findings into alerts. Findings with the same start are revisions of one alert.
fn alerts_of(
    rule: &str,
    user: &(String, String),
    transactions: &[Transaction],
    found: Vec<Found>,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for (index, (place, start_ms, _)) in found.iter().enumerate() {
        let before = found[..index].iter().filter(|other| other.1 == *start_ms);
        let so_far = found[..=index].iter().filter(|other| other.1 == *start_ms);
        let ids = so_far.flat_map(|(_, _, evidence)| {
            evidence.iter().map(|place| transactions[*place].id.clone())
        });
        alerts.push(Alert {
            rule: rule.to_owned(),
            user: user.clone(),
            start_ms: *start_ms,
            end_ms: transactions[*place].ms + 1,
            revision: before.count() as u64,
            ids: ids.collect(),
            differs: (rule == "transaction-conflict").then(|| differs(transactions, *place)),
        });
    }
    alerts
}

/// Returns the indices of the transactions up to `place` that are less than `window` milliseconds before it.
fn window(transactions: &[Transaction], place: usize, window: i64) -> Vec<usize> {
    (0..=place)
        .filter(|other| transactions[*other].ms > transactions[place].ms - window)
        .collect()
}

/// Finds the detections of a rule that fires once while its cause lasts. `length` is the length of its window in
/// milliseconds. `fires` returns the evidence in a transaction's window if it is sufficient. `lasts` returns
/// whether the cause lasts, given the transactions in the window that ends at an instant.
fn episodes(
    transactions: &[Transaction],
    length: i64,
    fires: impl Fn(usize, &[usize]) -> Option<Vec<usize>>,
    lasts: impl Fn(&[&Transaction]) -> bool,
) -> Vec<Found> {
    let changes: Vec<i64> = transactions
        .iter()
        .flat_map(|transaction| [transaction.ms, transaction.ms + length])
        .collect();
    let lasts_at = |now: i64| {
        let inside = transactions
            .iter()
            .filter(|transaction| now - length < transaction.ms && transaction.ms <= now);
        lasts(&inside.collect::<Vec<_>>())
    };
    let mut found: Vec<Found> = Vec::new();
    for place in 0..transactions.len() {
        let Some(evidence) = fires(place, &window(transactions, place, length)) else {
            continue;
        };
        let continues = |from: i64| {
            let mut between = changes
                .iter()
                .filter(|change| from <= **change && **change < transactions[place].ms);
            between.all(|change| lasts_at(*change))
        };
        if !found
            .iter()
            .any(|(earlier, ..)| continues(transactions[*earlier].ms))
        {
            let start = evidence
                .iter()
                .map(|place| transactions[*place].ms)
                .min()
                .expect("evidence");
            found.push((place, start, evidence));
        }
    }
    found
}

fn velocity(transactions: &[Transaction]) -> Vec<Found> {
    let fires = |_: usize, inside: &[usize]| {
        let bought: Vec<_> = inside
            .iter()
            .copied()
            .filter(|place| transactions[*place].is_purchase)
            .collect();
        (bought.len() > 3).then_some(bought)
    };
    let lasts = |inside: &[&Transaction]| {
        inside
            .iter()
            .filter(|transaction| transaction.is_purchase)
            .count()
            > 3
    };
    episodes(transactions, 20_000, fires, lasts)
}

fn refund_abuse(transactions: &[Transaction]) -> Vec<Found> {
    let fires = |place: usize, inside: &[usize]| {
        let (bought, back): (Vec<_>, Vec<_>) = inside
            .iter()
            .partition(|place| transactions[**place].is_purchase);
        let enough = back.len() >= 2 && 2 * back.len() >= bought.len();
        (enough && !transactions[place].is_purchase).then_some(back)
    };
    let lasts = |inside: &[&Transaction]| {
        inside
            .iter()
            .filter(|transaction| !transaction.is_purchase)
            .count()
            >= 2
    };
    episodes(transactions, 50_000, fires, lasts)
}

fn variety(
    transactions: &[Transaction],
    length: i64,
    n: usize,
    kind: fn(&Transaction) -> &str,
) -> Vec<Found> {
    let fires = |_: usize, inside: &[usize]| {
        // Keep only the last purchase with each currency or platform.
        let bought: Vec<_> = inside
            .iter()
            .copied()
            .filter(|place| transactions[*place].is_purchase)
            .collect();
        let is_last = |place: &usize| {
            let mut later = bought.iter().filter(|other| *other > place);
            !later.any(|other| kind(&transactions[*other]) == kind(&transactions[*place]))
        };
        let last: Vec<_> = bought.iter().copied().filter(is_last).collect();
        (last.len() > n).then_some(last)
    };
    let lasts = |inside: &[&Transaction]| {
        let bought = inside.iter().filter(|transaction| transaction.is_purchase);
        bought
            .map(|transaction| kind(transaction))
            .collect::<BTreeSet<_>>()
            .len()
            > n
    };
    episodes(transactions, length, fires, lasts)
}

fn amount_spike(transactions: &[Transaction]) -> Vec<Found> {
    let mut found = Vec::new();
    for (place, transaction) in transactions
        .iter()
        .enumerate()
        .filter(|(_, transaction)| transaction.is_purchase)
    {
        let alike = window(transactions, place, 60_000)
            .into_iter()
            .filter(|other| {
                *other != place
                    && transactions[*other].is_purchase
                    && transactions[*other].currency == transaction.currency
            });
        let amounts: Vec<i64> = alike.map(|other| transactions[other].amount).collect();
        let (count, sum) = (amounts.len() as i64, amounts.iter().sum::<i64>());
        let is_far_above = count >= 2 && sum > 0 && 2 * transaction.amount * count >= 5 * sum;
        let is_too_much = limits(&transaction.currency)
            .2
            .is_some_and(|limit| transaction.amount >= limit);
        if is_far_above || is_too_much {
            found.push((place, transaction.ms, vec![place]));
        }
    }
    found
}

fn card_testing(transactions: &[Transaction]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let is_small = |transaction: &Transaction| {
        limits(&transaction.currency)
            .0
            .is_some_and(|small| transaction.amount < small)
    };
    let is_large = |transaction: &Transaction| {
        limits(&transaction.currency)
            .1
            .is_some_and(|large| transaction.amount >= large)
    };
    for (place, transaction) in transactions.iter().enumerate() {
        let used = found.last().map_or(0, |(earlier, ..)| *earlier);
        let inside = window(transactions, place, 40_000).into_iter();
        let mut evidence: Vec<usize> = inside
            .filter(|other| *other >= used && transactions[*other].is_purchase)
            .filter(|other| is_small(&transactions[*other]))
            .collect();
        if transaction.is_purchase && is_large(transaction) && evidence.len() >= 2 {
            let start = transactions[evidence[0]].ms;
            evidence.push(place);
            found.push((place, start, evidence));
        }
    }
    found
}

/// How long an id is remembered, in milliseconds.
const REMEMBERED_MS: i64 = 45_000;

/// Finds the conflicts. Two records of one id contradict each other unless one refunds the other. A record that
/// contradicts an earlier one fires unless the id had a conflict less than [`REMEMBERED_MS`] before.
fn conflicts(transactions: &[Transaction]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut contradicted_at: BTreeMap<&str, i64> = BTreeMap::new();
    for (place, transaction) in transactions.iter().enumerate() {
        if contradicted(transactions, place).is_none() {
            continue;
        }
        let before = contradicted_at.insert(&transaction.id, transaction.ms);
        if before.is_none_or(|before| transaction.ms - before >= REMEMBERED_MS) {
            found.push((place, transaction.ms, vec![place]));
        }
    }
    found
}

/// Returns the earliest remembered record that the one at `place` contradicts.
fn contradicted(transactions: &[Transaction], place: usize) -> Option<&Transaction> {
    let now = &transactions[place];
    transactions[..place].iter().find(|earlier| {
        let is_remembered = now.ms - earlier.ms < REMEMBERED_MS;
        is_remembered
            && earlier.id == now.id
            && !gives_back(earlier, now)
            && !gives_back(now, earlier)
    })
}

fn gives_back(bought: &Transaction, back: &Transaction) -> bool {
    (bought.is_purchase, back.is_purchase) == (true, false)
        && (&bought.currency, &bought.item) == (&back.currency, &back.item)
        && back.amount <= bought.amount
}

/// Returns the fields in which a record differs from the one that it contradicts.
fn differs(transactions: &[Transaction], place: usize) -> String {
    let first = contradicted(transactions, place).expect("a contradiction");
    let scale = |transaction: &Transaction| match transaction.currency.as_str() {
        "JPY" => 1_000,
        "KWD" => 1,
        _ => 10,
    };
    let fields = |record: &Transaction| {
        [
            ("transaction_type", record.is_purchase.to_string()),
            // Amounts are compared as texts, so 1.00 differs from 1.000.
            (
                "amount",
                format!("{} {}", record.amount * scale(record), scale(record)),
            ),
            ("currency", record.currency.clone()),
            ("item_id", record.item.clone()),
            ("item_type", record.item_type.clone()),
            ("platform", record.platform.clone()),
            ("time", record.ms.to_string()),
        ]
    };
    let pairs = fields(first).into_iter().zip(fields(&transactions[place]));
    let names: Vec<&str> = pairs
        .filter(|(one, two)| one.1 != two.1)
        .map(|(one, _)| one.0)
        .collect();
    assert!(!names.is_empty(), "a conflict of what is the same");
    serde_json::json!(names).to_string()
}
