//! Checks the world from the point of view of a reader of its topics.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TransactionType, TypedEvent};
use serde_json::Value;

use super::{DELAY_MS_MAX, World, WorldOptions};
use crate::event::{Broken, Event, Topic};

const START_MS: i64 = 1_731_406_530_000;
/// A time in the year 2900, which is in the future for every consumer.
const ANY_CLOCK_MS: i64 = 29_348_006_400_000;

fn options(rate: f64) -> WorldOptions {
    WorldOptions {
        seed: 7,
        start_ms: START_MS,
        rate,
        broken: 0.0,
    }
}

/// Returns the events of the first `seconds`.
fn history(options: WorldOptions, seconds: i64) -> Vec<Event> {
    let end_ms = START_MS + seconds * 1_000;
    let events = World::new(options).take_while(|event| event.emitted_ms < end_ms + DELAY_MS_MAX);
    events.filter(|event| event.event_ms < end_ms).collect()
}

fn of(topic: Topic, events: &[Event]) -> impl Iterator<Item = &Event> {
    events.iter().filter(move |event| event.topic == topic)
}

/// Returns the reason for which the parser in `model`, which the derivations use, rejects the value. It does not
/// check for times in the future, which would require a clock.
fn rejection(event: &Event) -> Option<Broken> {
    let value = &event.value;
    match event.topic {
        Topic::PlayerEvents => PlayerEvent::parse(value).err(),
        Topic::PurchaseEvents => PurchaseEvent::parse(value).err(),
        Topic::ServerMetrics => ServerMetric::parse(value).err(),
        other => panic!("{other:?} in a world without people"),
    }
    .map(|rejection| rejection.reason)
}

#[test]
fn the_rate_is_the_number_of_events_per_second() {
    let events = history(options(1_000.0), 60);
    let near = |count: usize, expected: f64, tolerance: f64| {
        (count as f64 / expected - 1.0).abs() <= tolerance
    };
    assert!(near(events.len(), 60_000.0, 0.03), "{}", events.len());
    for (topic, share) in [
        (Topic::PlayerEvents, 0.88),
        (Topic::PurchaseEvents, 0.06),
        (Topic::ServerMetrics, 0.06),
    ] {
        let count = of(topic, &events).count();
        assert!(near(count, 60_000.0 * share, 0.06), "{topic:?}: {count}");
    }
    let slow = history(options(10.0), 600);
    assert!(near(slow.len(), 6_000.0, 0.06), "{}", slow.len());
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let first = |seed| {
        World::new(WorldOptions {
            seed,
            broken: 0.05,
            ..options(200.0)
        })
        .take(5_000)
        .collect::<Vec<_>>()
    };
    assert_eq!(first(7), first(7));
    assert_ne!(first(7), first(8));
}

#[test]
fn broken_records_leave_the_rest_of_the_world_as_it_is() {
    let clean: Vec<Event> = World::new(options(200.0)).take(5_000).collect();
    let mixed = World::new(WorldOptions {
        broken: 0.2,
        ..options(200.0)
    });
    let mut same = 0;
    for (clean, mixed) in clean.iter().zip(mixed) {
        assert_eq!(
            (&clean.key, clean.topic, clean.event_ms),
            (&mixed.key, mixed.topic, mixed.event_ms)
        );
        same += usize::from(mixed.broken.is_none() && clean.value == mixed.value);
    }
    assert!((3_800..4_200).contains(&same), "{same}");
}

#[test]
fn events_are_out_of_order_but_never_by_more_than_the_longest_delay() {
    let (mut latest_ms, mut emitted_ms, mut overtaken) = (0, 0, 0);
    for event in World::new(options(500.0)).take(20_000) {
        assert!(event.emitted_ms >= emitted_ms, "emission order");
        assert!((0..=DELAY_MS_MAX).contains(&(event.emitted_ms - event.event_ms)));
        assert!(latest_ms - event.event_ms <= DELAY_MS_MAX);
        overtaken += usize::from(event.event_ms < latest_ms);
        (latest_ms, emitted_ms) = (latest_ms.max(event.event_ms), event.emitted_ms);
    }
    assert!(overtaken > 10_000, "{overtaken}");
}

#[test]
fn every_sound_event_is_accepted_with_its_own_key_and_time() {
    for event in World::new(options(500.0)).take(20_000) {
        assert_eq!(
            rejection(&event),
            None,
            "{}",
            String::from_utf8_lossy(&event.value)
        );
        let value: Value = serde_json::from_slice(&event.value).unwrap();
        let (name, id) = match event.topic {
            Topic::PlayerEvents => ("player_action", &value["parameters"]["player_id"]),
            Topic::PurchaseEvents => ("transaction", &value["user_data"]["user_id"]),
            Topic::ServerMetrics => ("server_metric", &value["parameters"]["server_id"]),
            other => panic!("{other:?} in a world without people"),
        };
        assert_eq!(
            (&value["event_name"], id),
            (&Value::from(name), &Value::from(event.key.as_str()))
        );
        let time = value["event_timestamp"].as_str().unwrap();
        assert_eq!(
            model::time::Timestamp::parse(time).unwrap().as_millis(),
            event.event_ms
        );
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    }
}

#[test]
fn broken_records_of_every_kind_are_rejected_for_the_reason_on_their_label() {
    let mut kinds: BTreeMap<(Topic, Broken), u64> = BTreeMap::new();
    for event in World::new(WorldOptions {
        broken: 1.0,
        ..options(1_000.0)
    })
    .take(10_000)
    {
        let label = event.broken.unwrap();
        *kinds.entry((event.topic, label)).or_default() += 1;
        let shown =
            String::from_utf8_lossy(&event.value[..event.value.len().min(300)]).into_owned();
        match label {
            Broken::FutureTimestamp => {
                let value: Value = serde_json::from_slice(&event.value).unwrap();
                let time =
                    model::time::Timestamp::parse(value["event_timestamp"].as_str().unwrap())
                        .unwrap();
                assert!(time.as_millis() > ANY_CLOCK_MS, "{shown}");
                assert_eq!(rejection(&event), None, "{shown}");
            }
            label => assert_eq!(rejection(&event), Some(label), "{shown}"),
        }
        assert!(event.value.len() + event.key.len() <= client::RECORD_BYTES_MAX);
    }
    assert_eq!(
        kinds.len(),
        Topic::TELEMETRY.len() * Broken::ALL.len(),
        "{kinds:?}"
    );
}

#[test]
fn future_timestamps_are_ahead_of_every_clock_whatever_the_start() {
    let year_9999 = 253_402_000_000_000;
    for start_ms in [0, START_MS, year_9999] {
        let world = World::new(WorldOptions {
            broken: 1.0,
            start_ms,
            ..options(100.0)
        });
        let future = world
            .take(500)
            .filter(|event| event.broken == Some(Broken::FutureTimestamp));
        let times = future.map(|event| {
            let value: Value = serde_json::from_slice(&event.value).unwrap();
            model::time::Timestamp::parse(value["event_timestamp"].as_str().unwrap()).unwrap()
        });
        let least = times.min().unwrap().as_millis();
        let skew_ms = 300_000;
        assert!(
            least > start_ms + skew_ms && (start_ms == 0 || least > ANY_CLOCK_MS),
            "{least}"
        );
    }
}

#[test]
fn sessions_last_minutes_and_belong_to_one_player() {
    let events = history(options(40.0), 1_800);
    let mut sessions: BTreeMap<String, (BTreeSet<String>, i64, i64, Vec<String>)> = BTreeMap::new();
    let mut sorted: Vec<&Event> = of(Topic::PlayerEvents, &events).collect();
    sorted.sort_by_key(|event| event.event_ms);
    for event in sorted {
        let parsed = PlayerEvent::parse(&event.value).unwrap();
        let session = sessions
            .entry(parsed.session_id.to_string())
            .or_insert_with(|| (BTreeSet::new(), event.event_ms, event.event_ms, Vec::new()));
        session.0.insert(parsed.player_id.to_string());
        session.2 = event.event_ms;
        session.3.push(parsed.event_type.to_string());
    }
    assert!(sessions.values().all(|session| session.0.len() == 1));
    let ended: Vec<_> = sessions
        .values()
        .filter(|session| session.3.last().unwrap() == "logout")
        .collect();
    assert!(ended.len() > 100, "{}", ended.len());
    assert!(ended.iter().all(|session| session.3[0] == "login"));
    let long = ended
        .iter()
        .filter(|session| session.2 - session.1 > 60_000)
        .count();
    assert!(long * 10 > ended.len() * 8, "{long} of {}", ended.len());
    let types: BTreeSet<&str> = sessions
        .values()
        .flat_map(|session| session.3.iter().map(String::as_str))
        .collect();
    assert_eq!(
        types,
        BTreeSet::from([
            "chat",
            "interaction",
            "level_complete",
            "login",
            "logout",
            "move"
        ])
    );
}

#[test]
fn refunds_give_back_an_earlier_purchase_of_the_same_user() {
    let events = history(options(150.0), 600);
    let mut sorted: Vec<&Event> = of(Topic::PurchaseEvents, &events).collect();
    sorted.sort_by_key(|event| event.event_ms);
    let mut bought: BTreeMap<(String, String, i64), i64> = BTreeMap::new();
    let (mut refunds, mut currencies, mut ids) = (0, BTreeMap::new(), BTreeSet::new());
    for event in sorted {
        let paid = PurchaseEvent::parse(&event.value).unwrap();
        let entry = bought
            .entry((
                paid.user_id.to_string(),
                paid.item_id.to_string(),
                paid.amount_minor,
            ))
            .or_default();
        match paid.transaction_type {
            TransactionType::Purchase => *entry += 1,
            TransactionType::Refund => {
                *entry -= 1;
                refunds += 1;
            }
        }
        assert!(
            *entry >= 0,
            "a refund without its purchase: {}",
            String::from_utf8_lossy(&event.value)
        );
        assert!(
            ids.insert(paid.transaction_id.to_string()),
            "transaction ids are unique"
        );
        let currency = currencies
            .entry(paid.user_id.to_string())
            .or_insert_with(|| paid.currency.to_string());
        assert_eq!(*currency, paid.currency, "one currency a user");
    }
    assert!(refunds > 50, "{refunds}");
}

#[test]
fn money_has_at_most_its_currency_s_minor_digits() {
    let digits = BTreeMap::from([("USD", 2), ("EUR", 2), ("JPY", 0), ("BHD", 3)]);
    let mut seen = BTreeSet::new();
    for event in World::new(options(1_000.0))
        .filter(|event| event.topic == Topic::PurchaseEvents)
        .take(5_000)
    {
        let text = String::from_utf8(event.value).unwrap();
        let amount: String = text
            .split_once("\"amount\":")
            .unwrap()
            .1
            .chars()
            .take_while(|c| *c != ',')
            .collect();
        let value: Value = serde_json::from_str(&text).unwrap();
        let currency = value["parameters"]["currency"].as_str().unwrap().to_owned();
        let fraction = amount
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.len());
        assert!(fraction <= digits[currency.as_str()], "{amount} {currency}");
        seen.insert(currency);
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn few_players_spend_much_and_none_buys_six_times_a_minute() {
    let events = history(options(500.0), 300);
    let mut times: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for event in of(Topic::PurchaseEvents, &events) {
        times.entry(&event.key).or_default().push(event.event_ms);
    }
    for (user, times) in &mut times {
        times.sort_unstable();
        let frenzy = times.windows(6).any(|six| six[5] - six[0] <= 60_000);
        assert!(!frenzy, "{user} buys six times within a minute");
    }
    let most = times.values().map(Vec::len).max().unwrap();
    let mean = events
        .iter()
        .filter(|event| event.topic == Topic::PurchaseEvents)
        .count()
        / times.len();
    assert!(most >= mean * 2, "most {most}, mean {mean}");
}

#[test]
fn servers_have_hiccups_now_and_then() {
    let events = history(options(40.0), 1_200);
    let loads: Vec<i64> = of(Topic::ServerMetrics, &events)
        .map(|event| {
            let value: Value = serde_json::from_slice(&event.value).unwrap();
            value["parameters"]["cpu_load"].as_i64().unwrap()
        })
        .collect();
    let high = loads.iter().filter(|load| **load > 75).count();
    assert!(
        high > 0 && high * 20 < loads.len(),
        "{high} of {}",
        loads.len()
    );
}

#[test]
fn two_hundred_thousand_events_take_seconds_at_most() {
    let started = std::time::Instant::now();
    assert_eq!(World::new(options(10_000.0)).take(200_000).count(), 200_000);
    // The limit leaves room for a busy machine, but a scan of all players for each event would take many minutes.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
