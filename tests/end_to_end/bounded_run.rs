//! Writes a fixed number of generated events to a fresh cluster, and then starts the runner. Every derived row must
//! equal a recomputation from the source records, and every broken record must be counted under its reason.

use std::collections::BTreeMap;

use client::Cluster;
use serde_json::{Value, json};

use crate::commands::{Generator, Runner};
use crate::harness::{self, AnyCluster};
use crate::oracle::{self, RECOMPUTATIONS, Recomputation};

/// The number of events: two hundred seconds of event time.
const EVENTS: u64 = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_bounded_run_equals_a_recomputation() {
    let any = AnyCluster::start();
    let address = any.address();
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    let generated = Generator::at(address)
        .events(EVENTS)
        .seed(7)
        .broken(0.01)
        .run();
    let generated = Summary::parse(&generated.stdout);
    assert_eq!(generated.events.values().sum::<u64>(), EVENTS);
    assert_eq!(
        generated.broken.len(),
        7,
        "every reason occurs: {:?}",
        generated.broken
    );

    let mut worlds = Vec::new();
    for recomputation in &RECOMPUTATIONS {
        let records = harness::records(&cluster, recomputation.source).await;
        let accepted = (recomputation.accept)(&records);
        let expected = (recomputation.rows)(&accepted);
        worlds.push((recomputation, accepted, expected));
    }

    let runner = Runner::at(address).start();
    for (recomputation, _, expected) in &worlds {
        let enough = |rows: &[Value]| rows.len() >= expected.len();
        harness::wait_for_derived(&cluster, recomputation.topic, enough).await;
    }
    let summaries = runner.stop();

    for (recomputation, accepted, expected) in &worlds {
        let found = harness::records(&cluster, recomputation.topic).await;
        let found = oracle::last_revisions(&found);
        oracle::assert_rows_equal(&found, expected, oracle::tolerance);
        assert_accounts(&cluster, recomputation, accepted).await;
    }
    for (topic, measure) in [
        ("level-engagement", "events"),
        ("active-players", "events"),
        ("player-activity", "event_count"),
    ] {
        let rows = harness::derived(&cluster, topic).await;
        let sum: u64 = rows.iter().map(|row| row[measure].as_u64().unwrap()).sum();
        let (_, accepted, _) = &worlds[0];
        assert_eq!(sum, accepted.count(), "`{topic}`: each event counts once");
    }
    assert_eq!(rejected_by_reason(&summaries), generated.broken);
    assert_payloads_are_kept(&cluster, &generated.broken).await;
}

/// Checks that the accounts of a derivation add up, include the last record, and have the number of accepted events
/// that the recomputation has.
async fn assert_accounts(
    cluster: &Cluster,
    recomputation: &Recomputation,
    accepted: &oracle::Accepted,
) {
    let Recomputation { topic, source, .. } = recomputation;
    let accounts = harness::accounts(cluster).await;
    let partitions = harness::partitions(cluster, source).await;
    let mut total = 0;
    for (partition, records) in partitions.iter().enumerate() {
        let account = &accounts[&format!("{topic}|{source}|{partition}")];
        harness::assert_adds_up(account);
        assert_eq!(
            (&account["read"], &account["next_offset"]),
            (&json!(records.len()), &json!(records.len()))
        );
        assert_eq!(
            (&account["late"], &account["duplicate"]),
            (&json!(0), &json!(0)),
            "the world contains neither"
        );
        total += account["accepted"].as_u64().unwrap();
    }
    assert_eq!(total, accepted.count(), "{topic}");
}

/// Checks that every rejected record is stored byte for byte, exactly once, under the reason for which it was
/// generated.
async fn assert_payloads_are_kept(cluster: &Cluster, broken: &BTreeMap<String, u64>) {
    let rejected = harness::rejected(cluster, "rejected-events").await;
    let mut reasons = BTreeMap::new();
    for topic in ["player-events", "purchase-events", "server-metrics"] {
        for (partition, records) in (0..).zip(harness::partitions(cluster, topic).await) {
            for record in records {
                if let Some((reason, payload)) =
                    rejected.get(&(topic.to_owned(), partition, record.offset.0))
                {
                    assert!(
                        record.value == payload,
                        "{topic} {partition} {}",
                        record.offset
                    );
                    *reasons.entry(reason.clone()).or_default() += 1;
                }
            }
        }
    }
    assert_eq!(&reasons, broken);
}

/// The counts that `generate` printed.
struct Summary {
    events: BTreeMap<String, u64>,
    broken: BTreeMap<String, u64>,
}

impl Summary {
    fn parse(output: &[u8]) -> Self {
        let (mut events, mut broken) = (BTreeMap::new(), BTreeMap::new());
        for line in String::from_utf8_lossy(output).lines() {
            let (name, count) = line.split_once(": ").unwrap();
            match (name.strip_prefix("broken, "), count.strip_suffix(" events")) {
                (Some(reason), None) => broken.insert(reason.to_owned(), count.parse().unwrap()),
                (None, Some(count)) => events.insert(name.to_owned(), count.parse().unwrap()),
                _ => panic!("an unknown line: {line}"),
            };
        }
        Self { events, broken }
    }
}

/// Returns the number of rejected records of all sources, by reason. It parses lines such as `server-health: read 9,
/// accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, duplicate 0, written 3`. All derivations of a source must
/// have the same counts.
fn rejected_by_reason(summaries: &[String]) -> BTreeMap<String, u64> {
    let mut by_source = BTreeMap::new();
    for Recomputation { topic, source, .. } in &RECOMPUTATIONS {
        let prefix = format!("{topic}: ");
        let line = summaries.iter().find_map(|line| line.strip_prefix(&prefix));
        let rejected = reasons(line.unwrap_or_else(|| panic!("no summary of `{topic}`")));
        let first = by_source.entry(source).or_insert_with(|| rejected.clone());
        assert_eq!(first, &rejected, "`{topic}`");
    }
    let mut counts = BTreeMap::new();
    for (reason, count) in by_source.into_values().flatten() {
        *counts.entry(reason).or_default() += count;
    }
    counts
}

fn reasons(summary: &str) -> BTreeMap<String, u64> {
    let list = summary
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once("), late"));
    let Some((reasons, _)) = list else {
        return BTreeMap::new();
    };
    let pair = |reason: &str| {
        let (name, count) = reason.split_once(' ').unwrap();
        (name.to_owned(), count.parse().unwrap())
    };
    reasons.split(", ").map(pair).collect()
}

#[test]
fn summaries_are_read_as_they_are_printed() {
    let of =
        |topic: &str, rejected: &str| format!("{topic}: read 9, {rejected}, late 0, written 3");
    let summaries: Vec<String> = RECOMPUTATIONS
        .iter()
        .map(|recomputation| match recomputation.source {
            "player-events" => of(recomputation.topic, "rejected 0"),
            _ => of(recomputation.topic, "rejected 2 (not_json 1, wrong_type 1)"),
        })
        .collect();
    assert_eq!(
        rejected_by_reason(&summaries)
            .into_iter()
            .collect::<Vec<_>>(),
        [("not_json".to_owned(), 2), ("wrong_type".to_owned(), 2)]
    );
}
