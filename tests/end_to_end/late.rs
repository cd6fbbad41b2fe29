//! Events behind the watermark: within the allowed lateness they correct their window, beyond it
//! they are kept with their payload.

use std::collections::BTreeMap;

use client::Cluster;
use serde_json::{Value, json};

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::oracle::RECOMPUTATIONS;

/// All of one key, so that they stand in one partition in this order.
const EVENTS: [(&str, &str); 5] = [
    ("2026-01-01T00:00:01Z", "on time"),
    (
        "2026-01-01T00:00:33Z",
        "moves the watermark to 31 s: the first window closes",
    ),
    (
        "2026-01-01T00:00:02Z",
        "late, but within the allowed minute",
    ),
    (
        "2026-01-01T00:02:00Z",
        "moves the watermark to 118 s: the first window is final",
    ),
    ("2026-01-01T00:00:03Z", "too late"),
];

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_late_events_correct_their_window_or_are_kept() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    // Sessions and followed events have a lateness of their own.
    let map = MapFile::windows();
    let runner = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
    runner.line("runner: reads from ");
    let producer = cluster.producer("player-events").await.unwrap();
    for (index, (time, note)) in EVENTS.into_iter().enumerate() {
        let delivery = producer.send("p", event(time, note)).await.unwrap();
        producer.flush().await.unwrap();
        delivery.wait().await.unwrap();
        // The next event must not arrive before this one has had its effect.
        match index {
            1 => drop(
                harness::wait_for_derived(&cluster, "level-engagement", |rows| {
                    revisions(rows) == [("00:00:00", 0)]
                })
                .await,
            ),
            2 => drop(
                harness::wait_for_derived(&cluster, "level-engagement", |rows| {
                    revisions(rows) == [("00:00:00", 0), ("00:00:00", 1)]
                })
                .await,
            ),
            3 => drop(
                harness::wait_for_derived(&cluster, "level-engagement", |rows| {
                    revisions(rows).contains(&("00:00:30", 0))
                })
                .await,
            ),
            _ => {}
        }
    }
    // Each derivation of the topic keeps what is too late for it.
    let of_players = RECOMPUTATIONS
        .iter()
        .filter(|of| of.source == "player-events");
    let derivations = of_players.count();
    let kept =
        harness::wait_for_derived(&cluster, "late-events", |rows| rows.len() == derivations).await;
    runner.stop();
    let rows = harness::derived(&cluster, "level-engagement").await;
    let events: BTreeMap<_, _> = rows
        .iter()
        .map(|row| {
            (
                (time_of_day(row), row["revision"].as_u64().unwrap()),
                &row["events"],
            )
        })
        .collect();
    assert_eq!(
        (events[&("00:00:00", 0)], events[&("00:00:00", 1)]),
        (&json!(1), &json!(2))
    );
    assert!(!events.contains_key(&("00:00:00", 2)));

    let late = kept
        .iter()
        .find(|late| late["derivation"] == "level-engagement")
        .unwrap();
    assert_eq!(late["payload"], event(EVENTS[4].0, EVENTS[4].1));
    assert_eq!(
        (&late["topic"], &late["reason"]),
        (&json!("player-events"), &json!("late"))
    );
    assert_eq!(
        (&late["event_time"], &late["watermark"]),
        (
            &json!("2026-01-01T00:00:03.000Z"),
            &json!("2026-01-01T00:01:58.000Z")
        )
    );
    let accounts = harness::accounts(&cluster).await;
    accounts.values().for_each(harness::assert_adds_up);
    let late: u64 = accounts
        .values()
        .map(|account| account["late"].as_u64().unwrap())
        .sum();
    let accepted: u64 = accounts
        .values()
        .map(|account| account["accepted"].as_u64().unwrap())
        .sum();
    let derivations = derivations as u64;
    assert_eq!((late, accepted), (derivations, 4 * derivations));
}

fn event(time: &str, note: &str) -> String {
    json!({
        "event_name": "player_action", "event_timestamp": time, "note": note,
        "parameters": {"player_id": "p", "session_id": "s", "event_type": "move", "level_id": "l", "map_id": "m"},
        "user_data": {"user_id": "p", "platform": "PC"},
    })
    .to_string()
}

fn time_of_day(row: &Value) -> &str {
    &row["window_start"].as_str().unwrap()[11..19]
}

fn revisions(rows: &[Value]) -> Vec<(&str, u64)> {
    rows.iter()
        .map(|row| (time_of_day(row), row["revision"].as_u64().unwrap()))
        .collect()
}
