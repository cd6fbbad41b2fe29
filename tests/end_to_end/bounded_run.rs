//! A bounded world into a fresh cluster, then the runner: every derived row equals a recomputation
//! from the source records, and every broken record is counted under its reason.

use std::collections::BTreeMap;

use client::Cluster;
use serde_json::json;

use crate::harness::{self, AnyCluster, Running};
use crate::oracle;

/// Enough for some hundred windows on two cores in seconds.
const EVENTS: &str = "200000";

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_bounded_run_equals_a_recomputation() {
    let any = AnyCluster::start();
    let address = any.address();
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    refuse_used(&cluster).await;
    let generated = harness::run(&[
        "generate",
        "--cluster",
        address,
        "--events",
        EVENTS,
        "--seed",
        "7",
        "--broken",
        "0.01",
    ]);
    let generated = Summary::parse(&generated.stdout);
    assert_eq!(generated.events.values().sum::<u64>().to_string(), EVENTS);
    assert_eq!(
        generated.broken.len(),
        7,
        "every reason occurs: {:?}",
        generated.broken
    );

    let players = harness::records(&cluster, "player-events").await;
    let purchases = harness::records(&cluster, "purchase-events").await;
    let servers = harness::records(&cluster, "server-metrics").await;
    let accepted = [
        oracle::player_events(&players),
        oracle::purchase_events(&purchases),
        oracle::server_metrics(&servers),
    ];
    let expected = [
        oracle::level_engagement(&accepted[0]),
        oracle::purchase_summaries(&accepted[1]),
        oracle::server_health(&accepted[2]),
    ];

    let runner = Running::start(&["run", "--cluster", address]);
    let derivations = ["level-engagement", "purchase-summaries", "server-health"];
    for (topic, expected) in derivations.into_iter().zip(&expected) {
        harness::wait_for_derived(&cluster, topic, |rows| rows.len() >= expected.len()).await;
    }
    let summaries = runner.stop();

    for (topic, expected) in derivations.into_iter().zip(&expected) {
        let found = oracle::last_revisions(&harness::records(&cluster, topic).await);
        oracle::assert_rows_equal(&found, expected, tolerance);
    }
    let events = harness::derived(&cluster, "level-engagement").await;
    let sum: u64 = events
        .iter()
        .map(|row| row["events"].as_u64().unwrap())
        .sum();
    assert_eq!(
        sum,
        accepted[0].count(),
        "each accepted player event counts once"
    );
    assert_eq!(rejected_by_reason(&summaries), generated.broken);
    assert_accounts(&cluster, &accepted).await;
    assert_payloads_are_kept(&cluster, &generated.broken).await;
}

/// Every account adds up, up to the last record, and says what the oracle says.
async fn assert_accounts(cluster: &Cluster, accepted: &[oracle::Accepted; 3]) {
    let accounts = harness::accounts(cluster).await;
    let derivations = [
        ("level-engagement", "player-events"),
        ("purchase-summaries", "purchase-events"),
        ("server-health", "server-metrics"),
    ];
    for ((derivation, source), accepted) in derivations.into_iter().zip(accepted) {
        let partitions = harness::partitions(cluster, source).await;
        let mut total = 0;
        for (partition, records) in partitions.iter().enumerate() {
            let account = &accounts[&format!("{derivation}|{source}|{partition}")];
            harness::assert_adds_up(account);
            assert_eq!(
                (&account["read"], &account["next_offset"]),
                (&json!(records.len()), &json!(records.len()))
            );
            assert_eq!(
                (&account["late"], &account["duplicate"]),
                (&json!(0), &json!(0)),
                "the world has neither"
            );
            total += account["accepted"].as_u64().unwrap();
        }
        assert_eq!(total, accepted.count(), "{derivation}");
    }
}

/// Rejected records come back byte for byte, each once, under the reason that they were made for.
async fn assert_payloads_are_kept(cluster: &Cluster, broken: &BTreeMap<String, u64>) {
    let rejected = harness::diverted(cluster, "rejected-events").await;
    let mut reasons = BTreeMap::new();
    for topic in ["player-events", "purchase-events", "server-metrics"] {
        for (partition, records) in (0..).zip(harness::partitions(cluster, topic).await) {
            for record in records {
                if let Some((reason, payload)) =
                    rejected.get(&(topic.to_owned(), partition, record.offset))
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

/// What `generate` said that it sent.
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

/// The rejected records of all derivations, from lines such as
/// `server-health: read 9, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, written 3`.
fn rejected_by_reason(summaries: &[String]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in summaries {
        let Some((reasons, _)) = line
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once("), late"))
        else {
            continue;
        };
        for reason in reasons.split(", ") {
            let (name, count) = reason.split_once(' ').unwrap();
            *counts.entry(name.to_owned()).or_default() += count.parse::<u64>().unwrap();
        }
    }
    counts
}

/// This test says what a whole topic holds, so it wants topics of its own.
async fn refuse_used(cluster: &Cluster) {
    for topic in ["player-events", "purchase-events", "server-metrics"] {
        let used = match cluster.end_offset(topic, 0).await {
            Ok(end) => end > 0,
            Err(_) => false, // there is no such topic yet
        };
        assert!(
            !used,
            "topic `{topic}` of {} is in use: name a fresh cluster",
            cluster.address()
        );
    }
}

/// Means are rounded to three decimals, quantiles are within 1 %.
fn tolerance(path: &str) -> f64 {
    match path {
        "/latency_ms/p50" | "/latency_ms/p95" | "/latency_ms/p99" => 0.0101,
        "/latency_ms/mean" | "/cpu_load/mean" | "/memory_usage/mean" => 1e-3,
        _ => 1e-12,
    }
}

#[test]
fn summaries_are_read_as_they_are_printed() {
    let line = "x: read 9, accepted 7, rejected 2 (not_json 1, wrong_type 1), late 0, written 3"
        .to_owned();
    let counts = rejected_by_reason(&[line.clone(), line]);
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("not_json".to_owned(), 2), ("wrong_type".to_owned(), 2)]
    );
}
