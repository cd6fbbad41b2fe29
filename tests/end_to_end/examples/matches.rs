//! `match-telemetry.yaml`: matches with lists, exact decimals and values that are missing.

use std::collections::BTreeMap;

use client::Cluster;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use super::{assert_derived, derive};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, LocalCluster};
use crate::oracle::{Rows, row_of};

pub(super) const MATCH_TELEMETRY: &str = include_str!("../../../examples/match-telemetry.yaml");

/// The number of matches, one a second on average.
const MATCHES: i64 = 2_000;
const HEROES: [&str; 4] = ["mage", "rogue", "tank|heavy", "100%"];
const MINUTE_MS: i64 = 60_000;

#[derive(Clone)]
struct Match {
    id: String,
    time_ms: i64,
    region: Option<&'static str>,
    mode: Option<&'static str>,
    duration_s: Option<u32>,
    prize_cents: Option<u32>,
    /// `None` is an element without a hero.
    heroes: Vec<Option<&'static str>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn match_telemetry() {
    let node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let file = DataflowFile::of(MATCH_TELEMETRY);
    harness::run(&[
        "provision",
        "--cluster",
        &node.address,
        "--dataflow",
        &file.path(),
    ]);
    let matches = matches();
    write(&cluster, &matches).await;
    let found = derive(&cluster, &file).await;
    let expected = [
        ("busy-modes", busy_modes(&matches)),
        ("hero-picks", hero_picks(&matches)),
        ("match-activity", match_activity(&matches)),
    ];
    assert_derived(&found, &expected);
}

/// Returns matches from a fixed seed. Two of the modes are frequent, and one pauses often.
fn matches() -> Vec<Match> {
    let mut dice = ChaCha8Rng::seed_from_u64(21);
    let mut below = move |n: u32| dice.next_u32() % n;
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let one = |number: i64| Match {
        id: format!("m{number:04}"),
        // Whole seconds, so that some matches of a mode have the same time.
        time_ms: start.as_millisecond() + number * 1_000 - i64::from(below(3)) * 1_000,
        region: [Some("eu"), Some("us"), Some("asia"), None][below(4) as usize],
        mode: match below(40) {
            0 => Some("event"),
            1..=20 => Some("ranked"),
            21 => None,
            _ => Some("casual"),
        },
        duration_s: (below(10) > 0).then(|| 60 + below(3_000)),
        prize_cents: (below(3) > 0).then(|| below(100_000)),
        heroes: (0..below(4))
            .map(|_| HEROES.get(below(5) as usize).copied())
            .collect(),
    };
    (0..MATCHES).map(one).collect()
}

/// Writes the matches and some records that do not fit the columns.
async fn write(cluster: &Cluster, matches: &[Match]) {
    let producer = cluster.producer("match-events").await.unwrap();
    for (number, of) in matches.iter().enumerate() {
        let _delivery = producer
            .send(of.id.clone(), record(of, number).to_string())
            .await
            .unwrap();
        let mut broken = record(of, number);
        if number % 50 == 0 {
            broken["match"]["duration"] = json!(-1);
            let _delivery = producer
                .send(of.id.clone(), broken.to_string())
                .await
                .unwrap();
        }
    }
    producer.flush().await.unwrap();
}

/// A value that is missing is `null` or absent, and an amount is a text or a number.
fn record(of: &Match, number: usize) -> Value {
    let hero = |hero: &Option<&str>| match hero {
        Some(hero) => json!({"hero": hero, "level": 3}),
        None => json!({"level": 1}),
    };
    let mut fields = Map::new();
    let prize = of.prize_cents.map(|cents| match number % 2 {
        0 => json!(decimal(u64::from(cents))),
        _ => json!(f64::from(cents) / 100.0),
    });
    for (name, value) in [
        ("region", of.region.map(Value::from)),
        ("mode", of.mode.map(Value::from)),
        ("prize", prize),
    ] {
        match value {
            None if number.is_multiple_of(3) => {}
            value => drop(fields.insert(name.to_owned(), value.unwrap_or_default())),
        }
    }
    let sent_at = jiff::Timestamp::from_millisecond(of.time_ms).unwrap();
    let heroes: Vec<_> = of.heroes.iter().map(hero).collect();
    fields.insert("sent_at".to_owned(), sent_at.to_string().into());
    fields.insert(
        "match".to_owned(),
        json!({"id": of.id, "duration": of.duration_s}),
    );
    fields.insert("teams".to_owned(), heroes.into());
    Value::Object(fields)
}

fn decimal(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// NULL in a record key is `\N`.
fn key(value: Option<&str>) -> &str {
    value.unwrap_or("\\N")
}

fn match_activity(matches: &[Match]) -> Rows {
    let mut windows: BTreeMap<_, Vec<&Match>> = BTreeMap::new();
    for of in matches {
        let start = of.time_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        windows.entry((start, of.region)).or_default().push(of);
    }
    let row = |((start, region), matches): ((i64, Option<&str>), Vec<&Match>)| {
        let mut durations: Vec<_> = matches.iter().filter_map(|of| of.duration_s).collect();
        durations.sort_unstable();
        let last = durations.len().checked_sub(1);
        let mean = f64::from(durations.iter().sum::<u32>()) / durations.len() as f64;
        let prizes: Vec<_> = matches.iter().filter_map(|of| of.prize_cents).collect();
        let prizes = (!prizes.is_empty()).then(|| prizes.iter().copied().map(u64::from).sum());
        row_of(
            (start, start + MINUTE_MS),
            &[key(region)],
            json!({
                "region": region, "matches": matches.len(), "prizes": prizes.map(decimal),
                "mean_duration_s": last.map(|_| rounded(mean)),
                "p95_duration_s": last.map(|last| f64::from(durations[(last as f64 * 0.95) as usize])),
                "final": true,
            }),
        )
    };
    windows.into_iter().map(row).collect()
}

/// Rounds the exact value of a double to one digit, half away from zero. Only quarters can be exactly between two
/// digits.
fn rounded(value: f64) -> f64 {
    if (value * 4.0).fract() == 0.0 {
        return (value * 10.0).round() / 10.0;
    }
    format!("{value:.1}").parse().unwrap()
}

fn hero_picks(matches: &[Match]) -> Rows {
    let mut picks: BTreeMap<(i64, &str), (u64, u64)> = BTreeMap::new();
    for of in matches {
        let last = of.time_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        for hero in of.heroes.iter().flatten() {
            for start in (0..10).map(|hops| last - hops * MINUTE_MS) {
                let (all, ranked) = picks.entry((start, hero)).or_default();
                *all += 1;
                *ranked += u64::from(of.mode == Some("ranked"));
            }
        }
    }
    let row = |((start, hero), (all, ranked)): ((i64, &str), (u64, u64))| {
        let measures = json!({"hero": hero, "picks": all, "ranked_picks": ranked});
        row_of((start, start + 10 * MINUTE_MS), &[hero], measures)
    };
    picks.into_iter().map(row).collect()
}

fn busy_modes(matches: &[Match]) -> Rows {
    let mut modes: BTreeMap<_, Vec<&Match>> = BTreeMap::new();
    for of in matches {
        modes.entry(of.mode).or_default().push(of);
    }
    let mut rows = Rows::new();
    for (mode, mut matches) in modes {
        matches.sort_by_key(|of| of.time_ms);
        for session in matches.chunk_by(|a, b| b.time_ms - a.time_ms <= 30_000) {
            let (first, last) = (session[0].time_ms, session[session.len() - 1].time_ms);
            let last_ones = session.iter().filter(|of| of.time_ms == last);
            let last_match = last_ones.map(|of| &of.id).min();
            if session.len() >= 3 {
                let measures =
                    json!({"mode": mode, "matches": session.len(), "last_match": last_match});
                rows.extend([row_of((first, last + 1), &[key(mode)], measures)]);
            }
        }
    }
    rows
}
