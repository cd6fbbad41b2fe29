//! The rules by brute force, from their definitions: every window that ends with an event, counted anew.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::event::{Event, Topic};

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600_000;
const WINDOW_MS: i64 = 10_000;

/// A rule, a game and a user.
pub(super) type FraudFound = (&'static str, String, String);

/// Who breaks which rule of `fraud-alerts`, with its default parameters.
pub(super) fn fraud(events: &[Event]) -> BTreeSet<FraudFound> {
    let mut found = BTreeSet::new();
    for ((game, user), deals) in deals(events) {
        let newest = 0..deals.len();
        for (rule, is_broken) in RULES {
            if newest.clone().any(|at| is_broken(&deals[..=at])) {
                found.insert((rule, game.clone(), user.clone()));
            }
        }
    }
    found
}

/// One transaction of a user.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deal {
    pub(super) ms: i64,
    pub(super) id: String,
    pub(super) is_refund: bool,
    pub(super) currency: String,
    /// In thousandths of the currency's unit.
    pub(super) milli: i64,
    pub(super) item: String,
    pub(super) platform: String,
}

/// The transactions of each (game, user), in the order of event time.
pub(super) fn deals(events: &[Event]) -> BTreeMap<(String, String), Vec<Deal>> {
    let mut deals: BTreeMap<_, Vec<Deal>> = BTreeMap::new();
    for (event, json) in parsed(events, Topic::PurchaseEvents) {
        let (paid, user) = (&json["parameters"], &json["user_data"]);
        deals
            .entry((game(paid), text(&user["user_id"])))
            .or_default()
            .push(Deal {
                ms: event.event_ms,
                id: text(&paid["transaction_id"]),
                is_refund: paid["transaction_type"] == "refund",
                currency: text(&paid["currency"]),
                milli: (paid["amount"].as_f64().unwrap() * 1_000.0).round() as i64,
                item: text(&paid["item_id"]),
                platform: text(&user["platform"]),
            });
    }
    for deals in deals.values_mut() {
        deals.sort_by_key(|deal| deal.ms);
    }
    deals
}

type IsBroken = fn(&[Deal]) -> bool;

/// Whether the last of the transactions breaks the rule, as far as they go.
const RULES: [(&str, IsBroken); 7] = [
    ("velocity", |deals| {
        purchases(deals, 60 * SECOND_MS).count() > 5
    }),
    ("amount-spike", amount_spike),
    ("card-testing", card_testing),
    ("refund-abuse", refund_abuse),
    ("multi-currency", |deals| {
        let currencies = purchases(deals, HOUR_MS).map(|deal| &deal.currency);
        currencies.collect::<BTreeSet<_>>().len() > 1
    }),
    ("multi-platform", |deals| {
        let platforms = purchases(deals, 60 * SECOND_MS).map(|deal| &deal.platform);
        platforms.collect::<BTreeSet<_>>().len() > 1
    }),
    ("transaction-conflict", transaction_conflict),
];

/// What is in the window that ends with the last transaction, both ends included.
fn within(deals: &[Deal], window_ms: i64) -> impl Iterator<Item = &Deal> {
    let from_ms = deals.last().unwrap().ms - window_ms;
    deals
        .iter()
        .rev()
        .take_while(move |deal| deal.ms >= from_ms)
}

fn purchases(deals: &[Deal], window_ms: i64) -> impl Iterator<Item = &Deal> {
    within(deals, window_ms).filter(|deal| !deal.is_refund)
}

/// Of the earlier purchases in the same currency, and of all of them whatever the currency.
fn amount_spike(deals: &[Deal]) -> bool {
    let (newest, _) = deals.split_last().unwrap();
    let earlier: Vec<&Deal> = purchases(deals, HOUR_MS).skip(1).collect();
    let same = earlier
        .iter()
        .filter(|deal| deal.currency == newest.currency);
    let exceeds = |amounts: Vec<i64>| {
        let sum: i64 = amounts.iter().sum();
        amounts.len() >= 3 && newest.milli * amounts.len() as i64 >= 10 * sum
    };
    !newest.is_refund
        && (newest.milli >= 500_000
            || exceeds(same.map(|deal| deal.milli).collect())
            || exceeds(earlier.iter().map(|deal| deal.milli).collect()))
}

fn card_testing(deals: &[Deal]) -> bool {
    let newest = deals.last().unwrap();
    let small = purchases(deals, 600 * SECOND_MS).filter(|deal| deal.milli < 1_000);
    !newest.is_refund && newest.milli >= 50_000 && small.count() >= 3
}

fn refund_abuse(deals: &[Deal]) -> bool {
    let refunds = within(deals, HOUR_MS).filter(|deal| deal.is_refund).count();
    refunds >= 3 && 2 * refunds >= purchases(deals, HOUR_MS).count()
}

/// One id with two contents, or a refund of more than was ever paid for the item.
fn transaction_conflict(deals: &[Deal]) -> bool {
    let (newest, earlier) = deals.split_last().unwrap();
    let contradicts = |deal: &Deal| {
        let later = Deal {
            ms: deal.ms,
            ..newest.clone()
        };
        deal.id == newest.id && *deal != later
    };
    let paid = earlier
        .iter()
        .filter(|deal| !deal.is_refund && deal.item == newest.item);
    let most = paid.map(|deal| deal.milli).max();
    earlier.iter().any(contradicts)
        || newest.is_refund && most.is_some_and(|most| newest.milli > most)
}

/// A game, a player, a session and a level.
pub(super) type StuckFound = (String, String, String, String);

/// Who is on one level for two minutes with thirty events and does not complete it, whatever the map.
pub(super) fn stuck(events: &[Event]) -> BTreeSet<StuckFound> {
    let mut players: BTreeMap<(String, String), Vec<(i64, Value)>> = BTreeMap::new();
    for (event, json) in parsed(events, Topic::PlayerEvents) {
        let action = json["parameters"].clone();
        players
            .entry((game(&action), text(&action["player_id"])))
            .or_default()
            .push((event.event_ms, action));
    }
    let mut found = BTreeSet::new();
    for ((game, player), mut actions) in players {
        actions.sort_by_key(|(ms, _)| *ms);
        for visit in visits(&actions) {
            let (first, last) = (&visit[0], &visit[visit.len() - 1]);
            if visit.len() >= 30 && last.0 - first.0 >= 120 * SECOND_MS {
                let place = |field: &str| text(&first.1[field]);
                found.insert((
                    game.clone(),
                    player.clone(),
                    place("session_id"),
                    place("level_id"),
                ));
            }
        }
    }
    found
}

/// Runs of actions on one level in one session; a completion or a logout is the last of its run.
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

/// A condition, a server and a time at which it must have been noticed.
pub(super) type TroubleFound = (&'static str, String, i64);

/// Which servers are in trouble: two windows in a row above the threshold, or more than thirty seconds of silence between
/// two reports.
pub(super) fn trouble(events: &[Event]) -> BTreeSet<TroubleFound> {
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
            found.extend(second.map(|window| (condition, server.clone(), window * WINDOW_MS)));
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
        sorted[(sorted.len() * 95).div_ceil(100) - 1] > 250.0
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
