//! Tests late events. Within the allowed lateness they correct their window. After it, they are stored with their
//! payload as dead letters.

use std::collections::BTreeMap;

use client::{Cluster, Producer};
use serde_json::{Value, json};

use crate::commands::Runner;
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::oracle::RECOMPUTATIONS;

const TOPIC: &str = "level-engagement";

/// An event, and a condition on the revisions written so far. The next event is sent once the condition holds.
struct Step {
    time: &'static str,
    note: &'static str,
    is_processed: fn(&[(&str, u64)]) -> bool,
}

/// The steps. All events have one key, so they are in one partition in this order.
const STEPS: [Step; 5] = [
    Step {
        time: "2026-01-01T00:00:01Z",
        note: "on time",
        is_processed: |_| true,
    },
    Step {
        time: "2026-01-01T00:00:33Z",
        note: "advances the watermark to 31 s: the first window closes",
        is_processed: |revisions| revisions == [("00:00:00", 0)],
    },
    Step {
        time: "2026-01-01T00:00:02Z",
        note: "late, but within the allowed minute",
        is_processed: |revisions| revisions == [("00:00:00", 0), ("00:00:00", 1)],
    },
    Step {
        time: "2026-01-01T00:02:00Z",
        note: "advances the watermark to 118 s: the first window is final",
        is_processed: |revisions| revisions.contains(&("00:00:30", 0)),
    },
    TOO_LATE,
];

const TOO_LATE: Step = Step {
    time: "2026-01-01T00:00:03Z",
    note: "too late",
    is_processed: |_| true,
};

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_late_events_correct_their_window_or_are_kept() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    // Sessions and keyed processes follow other rules for late events, so they are left out.
    let dataflow = DataflowFile::windows();
    let runner = Runner::at(node.address()).dataflow(&dataflow).start();
    runner.line("runner: reads from ");
    let producer = cluster.producer("player-events").await.unwrap();
    for step in &STEPS {
        send(&producer, step).await;
        let is_processed = |rows: &[Value]| (step.is_processed)(&revisions(rows));
        harness::wait_for_derived(&cluster, TOPIC, is_processed).await;
    }
    // Each derivation of `player-events` writes a dead letter for the event that is too late.
    let of_players = RECOMPUTATIONS
        .iter()
        .filter(|of| of.source == "player-events");
    let derivations = of_players.count();
    let dead_letters =
        harness::wait_for_derived(&cluster, "late-events", |rows| rows.len() == derivations).await;
    runner.stop();
    assert_corrected_once(&harness::derived(&cluster, TOPIC).await);
    assert_dead_letter(&dead_letters);
    assert_accounts(&cluster, derivations as u64).await;
}

async fn send(producer: &Producer, step: &Step) {
    let delivery = producer.send("p", event(step)).await.unwrap();
    producer.flush().await.unwrap();
    delivery.wait().await.unwrap();
}

fn assert_corrected_once(rows: &[Value]) {
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
}

fn assert_dead_letter(dead_letters: &[Value]) {
    let late = dead_letters
        .iter()
        .find(|late| late["derivation"] == TOPIC)
        .unwrap();
    assert_eq!(late["payload"], event(&TOO_LATE));
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
}

async fn assert_accounts(cluster: &Cluster, derivations: u64) {
    let accounts = harness::accounts(cluster).await;
    accounts.values().for_each(harness::assert_adds_up);
    let sum = |name: &str| -> u64 {
        let counts = accounts.values().map(|account| &account[name]);
        counts.map(|count| count.as_u64().unwrap()).sum()
    };
    assert_eq!(
        (sum("late"), sum("accepted")),
        (derivations, 4 * derivations)
    );
}

fn event(step: &Step) -> String {
    json!({
        "event_name": "player_action", "event_timestamp": step.time, "note": step.note,
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
