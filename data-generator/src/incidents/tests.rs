//! Checks by brute force that the honest world breaks no rule, and that every planted incident breaks its
//! rule.

#![allow(clippy::unwrap_used)]

mod detectable;

use std::collections::{BTreeMap, BTreeSet};

use super::oracle::{self, FraudFound, StuckFound};
use super::{Incident, Subject};
use crate::catalogue::Catalogue;
use crate::event::DELAY_MS_MAX;
use crate::event::{Event, Topic};
use crate::world::{People, World, WorldOptions};

const START_MS: i64 = 1_731_406_530_000;

fn world(seed: u64, rate: f64, incidents: f64) -> World {
    let options = WorldOptions {
        seed,
        start_ms: START_MS,
        rate,
        broken: 0.0,
    };
    World::new(options).with_incidents(incidents)
}

/// Returns the events sent in the first `seconds`, and the ground truth about the incidents that have ended
/// and those that have not.
fn run(mut world: World, seconds: i64) -> (Vec<Event>, Vec<Incident>, Vec<Incident>) {
    let end_ms = START_MS + seconds * 1_000;
    let mut events = Vec::new();
    while events
        .last()
        .is_none_or(|last: &Event| last.emitted_ms < end_ms)
    {
        events.push(world.next().unwrap());
    }
    let ended = world.ended_incidents();
    (events, ended, world.unfinished_incidents())
}

fn assert_honest(events: &[Event]) {
    assert_eq!(oracle::fraud(events), BTreeMap::new());
    assert_eq!(oracle::stuck(events), BTreeMap::new());
    assert_eq!(oracle::fault(events), BTreeSet::new());
}

#[test]
fn a_day_of_a_small_honest_world_breaks_no_rule() {
    let (events, ended, unfinished) = run(world(7, 3.0, 0.0), 86_400);
    assert!(events.len() > 240_000, "{}", events.len());
    assert_honest(&events);
    assert_eq!((ended, unfinished), (Vec::new(), Vec::new()));
}

#[test]
fn days_of_honest_people_break_no_rule() {
    let options = WorldOptions {
        seed: 4,
        start_ms: START_MS,
        rate: 0.0,
        broken: 0.0,
    };
    let people = People {
        players: 15_000,
        hard_level: false,
        tasks: 2,
    };
    let world = World::of_people(options, Catalogue::built_in(), people);
    let (events, ..) = run(world, 4 * 86_400);
    let purchases = events
        .iter()
        .filter(|event| event.topic == Topic::PurchaseEvents);
    assert!(purchases.count() > 2_000);
    assert_honest(&events);
}

#[test]
fn honest_worlds_of_any_size_break_no_rule() {
    for (seed, rate, seconds) in [(1, 800.0, 120), (2, 60.0, 1_500), (3, 2.0, 30_000)] {
        assert_honest(&run(world(seed, rate, 0.0), seconds).0);
    }
}

#[test]
fn honest_users_come_close_to_what_the_rules_look_for() {
    let (events, ..) = run(world(5, 60.0, 0.0), 4_000);
    let transactions = oracle::transactions(&events);
    let rows = |transactions: &[oracle::Transaction]| {
        transactions
            .windows(3)
            .any(|row| row[2].ms - row[0].ms < 40_000)
    };
    let in_a_row = transactions
        .values()
        .filter(|transactions| rows(transactions))
        .count();
    assert!(in_a_row > 10, "{in_a_row} buy three things in a row");
    let large = transactions
        .values()
        .flatten()
        .filter(|transaction| transaction.milli >= 50_000);
    assert!(large.count() > 20, "some purchases are large");
    let refunds = transactions
        .values()
        .flatten()
        .filter(|transaction| transaction.is_refund);
    assert!(refunds.count() > 50, "some are given back");
    let currencies: BTreeSet<&str> = transactions
        .values()
        .map(|transactions| transactions[0].currency.as_str())
        .collect();
    assert_eq!(currencies, BTreeSet::from(["BHD", "EUR", "JPY", "USD"]));
}

/// Returns the findings that the ground truth requires.
fn expected(truth: &[Incident]) -> (BTreeSet<FraudFound>, BTreeSet<StuckFound>) {
    let (mut fraud, mut stuck) = (BTreeSet::new(), BTreeSet::new());
    for incident in truth {
        match incident.subject.clone() {
            Subject::Fraud {
                rule,
                game_id,
                user_id,
                ..
            } => assert!(fraud.insert((rule.name(), game_id, user_id))),
            Subject::StuckPlayer {
                game_id,
                player_id,
                session_id,
                level_id,
                ..
            } => assert!(stuck.insert((game_id, player_id, session_id, level_id))),
            Subject::Server { .. } | Subject::StuckLevel { .. } => {}
        }
    }
    (fraud, stuck)
}

fn assert_found_are<T: Ord + std::fmt::Debug>(
    found: &BTreeMap<T, i64>,
    all: &BTreeSet<T>,
    maybe: &BTreeSet<T>,
) {
    let missed: Vec<_> = all.iter().filter(|one| !found.contains_key(one)).collect();
    let false_ones: Vec<_> = found
        .keys()
        .filter(|one| !all.contains(one) && !maybe.contains(one))
        .collect();
    assert!(missed.is_empty(), "planted and not there: {missed:?}");
    assert!(
        false_ones.is_empty(),
        "there and not planted: {false_ones:?}"
    );
}

#[test]
fn exactly_the_planted_incidents_break_rules() {
    for (seed, rate, per_hour, seconds) in [
        (7, 25.0, 240.0, 4_500),
        (8, 3.0, 240.0, 4_500),
        (9, 150.0, 1_200.0, 800),
    ] {
        let (events, ended, unfinished) = run(world(seed, rate, per_hour), seconds);
        let (fraud, stuck) = expected(&ended);
        let (maybe_fraud, maybe_stuck) = expected(&unfinished);
        let rules: BTreeSet<&str> = fraud.iter().map(|(rule, ..)| *rule).collect();
        assert_eq!(rules.len(), 7, "{rules:?}");
        assert!(fraud.len() > 100 && stuck.len() > 15, "{}", stuck.len());
        assert_found_are(&oracle::fraud(&events), &fraud, &maybe_fraud);
        assert_found_are(&oracle::stuck(&events), &stuck, &maybe_stuck);
    }
}

/// The limits of these rules depend on the currency, so fraud that exceeds them must be planted in all four currencies.
#[test]
fn amounts_that_are_too_much_are_planted_in_every_currency() {
    let (events, ended, _) = run(world(7, 25.0, 240.0), 4_500);
    let (transactions, (planted, _)) = (oracle::transactions(&events), expected(&ended));
    for rule in ["amount-spike", "card-testing"] {
        let users = planted.iter().filter(|(of, ..)| *of == rule);
        let currency = |(_, game, user): &FraudFound| {
            let transactions = &transactions[&(game.clone(), user.clone())];
            transactions[0].currency.clone()
        };
        let currencies: BTreeSet<String> = users.map(currency).collect();
        assert_eq!(currencies.len(), 4, "{rule}: {currencies:?}");
    }
}

#[test]
fn exactly_the_planted_servers_fail() {
    for (seed, rate) in [(7, 40.0), (10, 200.0)] {
        let seconds = (80_000.0 / rate) as i64;
        let (events, ended, unfinished) = run(world(seed, rate, 600.0), seconds);
        let found = oracle::fault(&events);
        let planted = |all: &[Incident]| -> Vec<(&'static str, String, i64, i64)> {
            let spans = all.iter().filter_map(|incident| match &incident.subject {
                Subject::Server { rule, server_id } => {
                    let (start, end) = (incident.start.as_millis(), incident.end.as_millis());
                    Some((rule.name(), server_id.clone(), start, end))
                }
                _ => None,
            });
            spans.collect()
        };
        let (ended, unfinished) = (planted(&ended), planted(&unfinished));
        let conditions: BTreeSet<&str> = ended.iter().map(|planted| planted.0).collect();
        assert_eq!(conditions.len(), 4, "{conditions:?}");
        let fits = |(condition, server, ms): &oracle::FaultFound,
                    (rule, planted, start, end): &(&str, String, i64, i64)| {
            condition == rule && server == planted && start < ms && *ms <= end + 20_000
        };
        for planted in &ended {
            assert!(
                found.iter().any(|found| fits(found, planted)),
                "{planted:?}"
            );
        }
        let begun: Vec<_> = unfinished
            .into_iter()
            .map(|(rule, server, start, _)| (rule, server, start, i64::MAX - 20_000))
            .collect();
        for found in &found {
            let planted = ended
                .iter()
                .chain(&begun)
                .any(|planted| fits(found, planted));
            assert!(planted, "{found:?} was not planted");
        }
    }
}

#[test]
fn a_server_that_fell_silent_comes_back() {
    let (events, ended, _) = run(world(10, 100.0, 600.0), 1_500);
    let mut silences = 0;
    for incident in ended {
        let Subject::Server { rule, server_id } = incident.subject else {
            continue;
        };
        if rule.name() == "silent" {
            let (start, end) = (incident.start.as_millis(), incident.end.as_millis());
            let mut times: Vec<i64> = events
                .iter()
                .filter(|event| event.key == server_id)
                .map(|event| event.event_ms)
                .collect();
            times.sort_unstable();
            let at = times.binary_search(&start).unwrap();
            assert_eq!(times[at + 1], end, "nothing between");
            assert!(end - start > 40_000);
            silences += 1;
        }
    }
    assert!(silences > 5, "{silences}");
}

#[test]
fn the_truth_is_about_the_labelled_events_and_no_others() {
    let (events, ended, unfinished) = run(world(11, 50.0, 240.0), 1_800);
    assert!(ended.iter().all(|incident| incident.complete));
    assert!(!unfinished.is_empty() && unfinished.iter().all(|incident| !incident.complete));
    let mut labelled: BTreeMap<u64, Vec<&Event>> = BTreeMap::new();
    for event in &events {
        if let Some(number) = event.incident {
            labelled.entry(number).or_default().push(event);
        }
    }
    let mut spans: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut ids: Vec<String> = Vec::new();
    for events in labelled.values() {
        let times = || events.iter().map(|event| event.event_ms);
        spans.insert((times().min().unwrap(), times().max().unwrap()));
        for event in events
            .iter()
            .filter(|event| event.topic == Topic::PurchaseEvents)
        {
            let json: serde_json::Value = serde_json::from_slice(&event.value).unwrap();
            ids.push(
                json["parameters"]["transaction_id"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    let mut listed_ids = Vec::new();
    for incident in ended.iter().chain(&unfinished) {
        let is_silence = matches!(&incident.subject,
            Subject::Server { rule, .. } if rule.name() == "silent");
        let span = (incident.start.as_millis(), incident.end.as_millis());
        assert!(is_silence || spans.contains(&span), "{incident:?}");
        if let Subject::Fraud {
            transaction_ids, ..
        } = &incident.subject
        {
            listed_ids.extend(transaction_ids.clone());
        }
    }
    ids.sort();
    ids.dedup();
    listed_ids.sort();
    assert_eq!(listed_ids, ids);
}

#[test]
fn the_same_seed_plants_the_same_incidents() {
    assert_eq!(
        run(world(7, 60.0, 480.0), 600),
        run(world(7, 60.0, 480.0), 600)
    );
    assert_ne!(
        run(world(7, 60.0, 480.0), 600).1,
        run(world(8, 60.0, 480.0), 600).1
    );
}

#[test]
fn incidents_leave_the_rest_of_the_world_as_it_is() {
    let end_ms = START_MS + 900_000;
    let settled = |events: &[Event]| -> BTreeMap<(i64, String, Vec<u8>), usize> {
        let mut counts = BTreeMap::new();
        for event in events
            .iter()
            .filter(|event| event.event_ms < end_ms - DELAY_MS_MAX)
        {
            let event = (event.emitted_ms, event.key.clone(), event.value.clone());
            *counts.entry(event).or_default() += 1;
        }
        counts
    };
    let (with, ended, _) = run(world(7, 60.0, 480.0), 900);
    let (without, ..) = run(world(7, 60.0, 0.0), 900);
    assert!(ended.len() > 80, "{}", ended.len());
    let with = settled(&with);
    let lost = settled(&without)
        .into_iter()
        .filter(|(event, _)| !with.contains_key(event));
    let lost: Vec<_> = lost.collect();
    assert!(lost.len() > 100, "servers with a fault report other values");
    assert!(
        lost.iter()
            .all(|((_, key, _), _)| key.starts_with("server_"))
    );
}

#[test]
fn a_world_without_incidents_is_the_plain_world() {
    let options = WorldOptions {
        seed: 7,
        start_ms: START_MS,
        rate: 100.0,
        broken: 0.1,
    };
    let none = World::new(options).with_incidents(0.0).take(5_000);
    assert!(none.eq(World::new(options).take(5_000)));
}

#[test]
fn evidence_is_never_broken() {
    let options = WorldOptions {
        seed: 7,
        start_ms: START_MS,
        rate: 20.0,
        broken: 0.5,
    };
    let events = World::new(options).with_incidents(600.0).take(20_000);
    let evidence = events.filter(|event| event.incident.is_some());
    let broken = evidence.map(|event| event.broken.is_some());
    let broken: Vec<bool> = broken.collect();
    assert!(broken.len() > 1_000 && broken.iter().all(|broken| !broken));
}

#[test]
fn every_topic_has_an_incident_within_two_minutes() {
    let (.., ended, unfinished) = run(world(1, 100.0, 240.0), 120);
    let mut kinds: Vec<&str> = Vec::new();
    for incident in ended.iter().chain(&unfinished) {
        kinds.push(match &incident.subject {
            Subject::Fraud { .. } => "fraud",
            Subject::StuckPlayer { .. } => "stuck-player",
            Subject::StuckLevel { .. } => "stuck-level",
            Subject::Server { .. } => "server",
        });
    }
    let distinct: BTreeSet<&str> = kinds.iter().copied().collect();
    assert!(distinct.len() == 3 && kinds.len() >= 6, "{kinds:?}");
}
