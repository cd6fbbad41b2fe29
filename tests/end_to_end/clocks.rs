//! Tests a player and a server whose clocks are fast. These clocks must not make events of other senders late, and must
//! not make other servers count as silent. The topic `accounting` must name the player.

use std::time::{Duration, Instant};

use client::{Cluster, Producer};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::commands::Runner;
use crate::harness::{self, AnyCluster};

/// The number of healthy senders, and the number of events that each of them sends.
const SENDERS: usize = 10;
const EVENTS: usize = 40;
/// The healthy servers.
const SERVERS: [&str; 3] = ["a", "b", "c"];

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_player_whose_clock_is_ahead_makes_no_other_late_and_is_named() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let runner = Runner::at(node.address()).start();
    runner.line("runner: reads from ");
    let producer = cluster.producer("player-events").await.unwrap();
    let now = Timestamp::now();
    send(&producer, "fast", &player("fast", now + 240.seconds())).await;
    // The runner must process the event of the fast player before the other events are sent.
    harness::wait_for_derived(&cluster, "accounting", |accounts| {
        accounts.iter().any(|account| account["ahead"] == 1)
    })
    .await;
    for _ in 0..EVENTS {
        for sender in 0..SENDERS {
            let player_id = format!("player-{sender}");
            let event = player(&player_id, Timestamp::now());
            let _sent = producer.send(player_id, event).await.unwrap();
        }
    }
    producer.flush().await.unwrap();
    let healthy = |row: &&Value| row["player_id"] != "fast";
    harness::wait_for_derived(&cluster, "player-activity", |rows| {
        let events = rows.iter().filter(healthy).map(|row| &row["event_count"]);
        let events = events.map(|count| count.as_u64().unwrap());
        events.sum::<u64>() == (SENDERS * EVENTS) as u64
    })
    .await;
    runner.stop();
    assert_eq!(
        harness::derived(&cluster, "late-events").await,
        Vec::<Value>::new()
    );
    let accounts = harness::derived(&cluster, "accounting").await;
    let named = |account: &Value| {
        let sender = &account["senders_ahead"][0];
        let ahead_ms = sender["ahead_ms"].as_i64().unwrap_or(0);
        sender["sender"] == "fast" && (230_000..=240_000).contains(&ahead_ms)
    };
    assert!(accounts.iter().any(named), "{accounts:?}");
    for account in harness::accounts(&cluster).await.values() {
        harness::assert_adds_up(account);
        assert_eq!(account["late"], 0, "{account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_server_whose_clock_is_ahead_silences_no_other() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let runner = Runner::at(node.address()).start();
    runner.line("runner: reads from ");
    let producer = cluster.producer("server-metrics").await.unwrap();
    let began = Timestamp::now() - 20.seconds();
    for second in 0..20 {
        for server in SERVERS {
            let event = report(server, began + second.seconds());
            let _sent = producer.send(server.to_owned(), event).await.unwrap();
        }
    }
    let of_fast_clock = report("fast", Timestamp::now() + 40.seconds());
    send(&producer, "fast", &of_fast_clock).await;
    // Waits until two windows of each server are closed, while the servers continue to report. If the event of the fast
    // clock had advanced the watermark, these reports would be late.
    let has_two_windows = |rows: &[Value], server: &str| {
        let of_server = rows.iter().filter(|row| row["server_id"] == server);
        of_server.count() >= 2
    };
    let deadline = Instant::now() + harness::WAIT_MAX;
    let rows = loop {
        let rows = harness::derived(&cluster, "server-health").await;
        if SERVERS.iter().all(|server| has_two_windows(&rows, server)) {
            break rows;
        }
        assert!(Instant::now() < deadline, "{rows:?}");
        for server in SERVERS {
            send(&producer, server, &report(server, Timestamp::now())).await;
        }
        sleep(Duration::from_millis(500)).await;
    };
    runner.stop();
    let mut alerts = harness::derived(&cluster, "server-alerts").await;
    alerts.retain(|alert| SERVERS.iter().any(|server| alert["server_id"] == *server));
    assert_eq!(alerts, Vec::<Value>::new());
    assert_eq!(
        harness::derived(&cluster, "late-events").await,
        Vec::<Value>::new()
    );
    assert!(rows.iter().all(|row| row["revision"] == 0), "{rows:?}");
}

async fn send(producer: &Producer, key: &str, event: &str) {
    let delivery = producer
        .send(key.to_owned(), event.to_owned())
        .await
        .unwrap();
    producer.flush().await.unwrap();
    delivery.wait().await.unwrap();
}

fn player(player_id: &str, time: Timestamp) -> String {
    json!({
        "event_name": "player_action", "event_timestamp": time.to_string(),
        "parameters": {"player_id": player_id, "session_id": "s", "event_type": "move", "level_id": "l", "map_id": "m"},
        "user_data": {"user_id": player_id, "platform": "PC"},
    })
    .to_string()
}

fn report(server_id: &str, time: Timestamp) -> String {
    json!({
        "event_name": "server_metric", "event_timestamp": time.to_string(),
        "parameters": {"server_id": server_id, "cpu_load": 20, "memory_usage": 30, "latency": 20},
        "server_data": {"region": "eu", "server_type": "dedicated"},
    })
    .to_string()
}
