//! Evaluates the rules of the derivations by brute force: recounts, for each event, the window that ends with it.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::event::{Event, Topic};

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600_000;
const WINDOW_MS: i64 = 10_000;

/// The rule, the game and the user of a fraud.
pub(super) type FraudFound = (&'static str, String, String);

/// Finds who breaks which rule of `fraud-alerts` with its default parameters, and the time at which they first do.
pub(super) fn fraud(events: &[Event]) -> BTreeMap<FraudFound, i64> {
    let mut found = BTreeMap::new();
    for ((game, user), transactions) in transactions(events) {
        for (rule, is_broken) in RULES {
            let first = (0..transactions.len()).find(|at| is_broken(&transactions[..=*at]));
            if let Some(first) = first {
                let ms = transactions[first].ms;
                found.insert((rule, game.clone(), user.clone()), ms);
            }
        }
    }
    found
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transaction {
    pub(super) ms: i64,
    pub(super) id: String,
    pub(super) is_refund: bool,
    pub(super) currency: String,
    /// The amount in thousandths of the currency's unit.
    pub(super) milli: i64,
    pub(super) item: String,
    pub(super) platform: String,
}

/// Returns the transactions of each (game, user) in the order of event time.
pub(super) fn transactions(events: &[Event]) -> BTreeMap<(String, String), Vec<Transaction>> {
    let mut transactions: BTreeMap<_, Vec<Transaction>> = BTreeMap::new();
    for (event, json) in parsed(events, Topic::PurchaseEvents) {
        let (paid, user) = (&json["parameters"], &json["user_data"]);
        transactions
            .entry((game(paid), text(&user["user_id"])))
            .or_default()
            .push(Transaction {
                ms: event.event_ms,
                id: text(&paid["transaction_id"]),
                is_refund: paid["transaction_type"] == "refund",
                currency: text(&paid["currency"]),
                milli: (paid["amount"].as_f64().unwrap() * 1_000.0).round() as i64,
                item: text(&paid["item_id"]),
                platform: text(&user["platform"]),
            });
    }
    for transactions in transactions.values_mut() {
        transactions.sort_by_key(|transaction| transaction.ms);
    }
    transactions
}

type IsBroken = fn(&[Transaction]) -> bool;

/// Each rule with a function that checks whether the last of the transactions breaks it.
const RULES: [(&str, IsBroken); 7] = [
    ("velocity", |transactions| {
        purchases(transactions, 60 * SECOND_MS).count() > 5
    }),
    ("amount-spike", amount_spike),
    ("card-testing", card_testing),
    ("refund-abuse", refund_abuse),
    ("multi-currency", |transactions| {
        let currencies = purchases(transactions, HOUR_MS).map(|transaction| &transaction.currency);
        currencies.collect::<BTreeSet<_>>().len() > 1
    }),
    ("multi-platform", |transactions| {
        let platforms =
            purchases(transactions, 60 * SECOND_MS).map(|transaction| &transaction.platform);
        platforms.collect::<BTreeSet<_>>().len() > 1
    }),
    ("transaction-conflict", transaction_conflict),
];

/// Returns the transactions in the window that ends with the last one; both ends of the window are
/// included.
fn within(transactions: &[Transaction], window_ms: i64) -> impl Iterator<Item = &Transaction> {
    let from_ms = transactions.last().unwrap().ms - window_ms;
    transactions
        .iter()
        .rev()
        .take_while(move |transaction| transaction.ms >= from_ms)
}

fn purchases(transactions: &[Transaction], window_ms: i64) -> impl Iterator<Item = &Transaction> {
    within(transactions, window_ms).filter(|transaction| !transaction.is_refund)
}

/// Returns the value of a dollar in thousandths of the currency's unit, by the rates of `fraud-alerts`.
fn dollar(transaction: &Transaction) -> i64 {
    match transaction.currency.as_str() {
        "USD" => 1_000,
        "EUR" => 900,
        "JPY" => 150_000,
        "BHD" => 380,
        other => panic!("what is a dollar in {other}?"),
    }
}

/// Whether the last purchase reaches the absolute limit or is a spike. It is compared with the earlier purchases in the
/// same currency, and, by value in dollars, with all earlier purchases.
fn amount_spike(transactions: &[Transaction]) -> bool {
    let (newest, _) = transactions.split_last().unwrap();
    let earlier: Vec<&Transaction> = purchases(transactions, HOUR_MS).skip(1).collect();
    let same = earlier
        .iter()
        .filter(|transaction| transaction.currency == newest.currency);
    let worth = |transaction: &Transaction| transaction.milli * 1_000 / dollar(transaction);
    let exceeds = |amounts: Vec<i64>| {
        let sum: i64 = amounts.iter().sum();
        amounts.len() >= 3 && worth(newest) * amounts.len() as i64 >= 10 * sum
    };
    !newest.is_refund
        && (newest.milli >= 500 * dollar(newest)
            || exceeds(same.map(|transaction| worth(transaction)).collect())
            || exceeds(
                earlier
                    .iter()
                    .map(|transaction| worth(transaction))
                    .collect(),
            ))
}

fn card_testing(transactions: &[Transaction]) -> bool {
    let newest = transactions.last().unwrap();
    let small = purchases(transactions, 600 * SECOND_MS)
        .filter(|transaction| transaction.milli < dollar(transaction));
    !newest.is_refund && newest.milli >= 50 * dollar(newest) && small.count() >= 3
}

fn refund_abuse(transactions: &[Transaction]) -> bool {
    let refunds = within(transactions, HOUR_MS)
        .filter(|transaction| transaction.is_refund)
        .count();
    refunds >= 3 && 2 * refunds >= purchases(transactions, HOUR_MS).count()
}

/// Whether the last transaction has the id of a different transaction, or is a refund that exceeds the highest price
/// ever paid for the item.
fn transaction_conflict(transactions: &[Transaction]) -> bool {
    let (newest, earlier) = transactions.split_last().unwrap();
    let contradicts = |transaction: &Transaction| {
        let later = Transaction {
            ms: transaction.ms,
            ..newest.clone()
        };
        transaction.id == newest.id && *transaction != later
    };
    let paid = earlier
        .iter()
        .filter(|transaction| !transaction.is_refund && transaction.item == newest.item);
    let most = paid.map(|transaction| transaction.milli).max();
    earlier.iter().any(contradicts)
        || newest.is_refund && most.is_some_and(|most| newest.milli > most)
}

/// The game, player, session and level of a stuck player.
pub(super) type StuckFound = (String, String, String, String);

/// Finds players who spend two minutes with thirty events on one level, on any of its maps, without
/// completing it, and the time at which they first have.
pub(super) fn stuck(events: &[Event]) -> BTreeMap<StuckFound, i64> {
    let mut players: BTreeMap<(String, String), Vec<(i64, Value)>> = BTreeMap::new();
    for (event, json) in parsed(events, Topic::PlayerEvents) {
        let action = json["parameters"].clone();
        players
            .entry((game(&action), text(&action["player_id"])))
            .or_default()
            .push((event.event_ms, action));
    }
    let mut found = BTreeMap::new();
    for ((game, player), mut actions) in players {
        actions.sort_by_key(|(ms, _)| *ms);
        for visit in visits(&actions) {
            let (first_ms, first) = &visit[0];
            let is_long = |ms: i64| ms - first_ms >= 120 * SECOND_MS;
            if let Some((ms, _)) = visit.iter().skip(29).find(|(ms, _)| is_long(*ms)) {
                let place = |field: &str| text(&first[field]);
                let place = (place("session_id"), place("level_id"));
                found
                    .entry((game.clone(), player.clone(), place.0, place.1))
                    .or_insert(*ms);
            }
        }
    }
    found
}

/// Splits actions into visits: consecutive actions on one level in one session. A completion or a logout is the last
/// action of its visit.
fn visits(actions: &[(i64, Value)]) -> impl Iterator<Item = &[(i64, Value)]> {
    actions.chunk_by(|(_, before), (_, after)| {
        let ends =
            ["level_complete", "logout"].map(|event_type| before["event_type"] == event_type);
        ends == [false, false]
            && ["session_id", "level_id"]
                .iter()
                .all(|field| before[field] == after[field])
    })
}

/// A fault: the condition, the server, and a time. For a silence, the time is 30 s after the last report. For another
/// condition, it is the end of the second of two consecutive windows above the threshold.
pub(super) type FaultFound = (&'static str, String, i64);

/// Finds faulty servers: two consecutive windows above the threshold, or a silence of more than thirty
/// seconds between two reports.
pub(super) fn fault(events: &[Event]) -> BTreeSet<FaultFound> {
    let mut servers: BTreeMap<String, BTreeMap<i64, Value>> = BTreeMap::new();
    for (event, json) in parsed(events, Topic::ServerMetrics) {
        let reading = json["parameters"].clone();
        let readings = servers.entry(text(&reading["server_id"])).or_default();
        assert_eq!(readings.insert(event.event_ms, reading), None);
    }
    let mut found = BTreeSet::new();
    for (server, readings) in servers {
        let times: Vec<i64> = readings.keys().copied().collect();
        let silences = times.windows(2).filter(|pair| pair[1] - pair[0] > 30_000);
        found.extend(silences.map(|pair| ("silent", server.clone(), pair[0] + 30_000)));
        for (condition, is_bad) in CONDITIONS {
            let mut windows: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
            for (ms, reading) in &readings {
                windows.entry(ms / WINDOW_MS).or_default().push(reading);
            }
            let bad: BTreeSet<i64> = windows
                .iter()
                .filter(|(_, readings)| is_bad(readings))
                .map(|(window, _)| *window)
                .collect();
            let second = bad.iter().filter(|window| bad.contains(&(*window - 1)));
            found
                .extend(second.map(|window| (condition, server.clone(), (window + 1) * WINDOW_MS)));
        }
    }
    found
}

type IsBad = fn(&[&Value]) -> bool;

const CONDITIONS: [(&str, IsBad); 3] = [
    ("cpu", |readings| mean(readings, "cpu_load") > 80.0),
    ("memory", |readings| mean(readings, "memory_usage") > 80.0),
    ("latency", |readings| {
        let mut sorted = values(readings, "latency");
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * 95 / 100] > 250.0 // the rank is rounded down
    }),
];

fn mean(readings: &[&Value], field: &str) -> f64 {
    values(readings, field).iter().sum::<f64>() / readings.len() as f64
}

fn values(readings: &[&Value], field: &str) -> Vec<f64> {
    let values = readings.iter().map(|reading| reading[field].as_f64());
    values.collect::<Option<_>>().unwrap()
}

fn parsed(events: &[Event], topic: Topic) -> impl Iterator<Item = (&Event, Value)> {
    let of_topic = events.iter().filter(move |event| event.topic == topic);
    of_topic.map(|event| (event, serde_json::from_slice(&event.value).unwrap()))
}

fn game(parameters: &Value) -> String {
    let game = parameters.get("game_id");
    game.map_or_else(|| "default".to_owned(), text)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
