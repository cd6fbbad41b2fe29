//! Sessions and alerts come when they are due: a stuck player while he still plays, a session's end
//! though nobody plays any more.

use std::time::Duration;

use client::{Cluster, Producer, Record};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;

const DERIVATIONS: &str = "
  player-session-summaries:
    from: player-events
    window: {gap: 3s}
    retention: 7d
    idle_timeout: 2s
  stuck-players:
    from: player-events
    retention: 7d
    idle_timeout: 2s
    parameters: {min_seconds: 3, min_events: 10, session_gap_s: 60}
";
const GAP_MS: i64 = 3_000;
const IDLE_TIMEOUT_MS: i64 = 2_000;
const LATENESS_MS: i64 = 2_000;
const STUCK_MS: i64 = 3_000;
const STUCK_EVENTS: usize = 10;

/// What the runner may take, and as much again for a machine that also compiles.
const PROMISE_MS: i64 = 2 * 2_000;

const PACE: Duration = Duration::from_millis(100);
const EVENTS: usize = 120;
/// The other player completes a level with every so many events, and goes to the next.
const LEVEL_EVENTS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_the_stuck_are_reported_while_they_play_and_sessions_end_without_another_event()
 {
    let node = AnyCluster::start();
    let map = MapFile::of_derivations(DERIVATIONS);
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let runner = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
    runner.line("runner: reads from ");
    let producer = cluster.producer("player-events").await.unwrap();
    // Both derivations are at work when the clock begins to matter.
    let long_ago = jiff::Timestamp::now() - Duration::from_secs(120);
    send(&producer, "somebody", "level_0", "move", long_ago).await;
    harness::wait_for_derived(&cluster, "player-session-summaries", |rows| {
        !rows.is_empty()
    })
    .await;

    let played_ms = play(&producer).await;
    let first_ms = played_ms[0];
    let over_ms = played_ms[EVENTS - 1] + GAP_MS;
    for player in ["stays", "passes"] {
        let written_ms = written(&cluster, "player-session-summaries", player).await;
        assert_prompt(player, written_ms - over_ms, IDLE_TIMEOUT_MS + PROMISE_MS);
    }
    let is_stuck = |(count, ms): &(usize, i64)| *count >= STUCK_EVENTS && ms - first_ms >= STUCK_MS;
    let (_, crossed_ms) = (1..).zip(played_ms).find(is_stuck).unwrap();
    let written_ms = written(&cluster, "stuck-players", "stays").await;
    assert_prompt("stuck", written_ms - crossed_ms, LATENESS_MS + PROMISE_MS);
    // The sessions of both are over, so nothing more is said of their levels.
    let stuck = harness::derived(&cluster, "stuck-players").await;
    assert_eq!(stuck.len(), 1, "{stuck:?}");
    runner.stop();
}

/// One player stays on a level, the other one passes from level to level. The times of the first
/// one's events: they keep the pace, though the machine may not and sends some of them later.
async fn play(producer: &Producer) -> Vec<i64> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut times_ms = Vec::new();
    let mut now = jiff::Timestamp::now();
    for event in 0..EVENTS {
        ticks.tick().await;
        now += PACE;
        send(producer, "stays", "level_0", "move", now).await;
        let level = format!("level_{}", event / LEVEL_EVENTS);
        let is_last = event % LEVEL_EVENTS == LEVEL_EVENTS - 1;
        let event_type = if is_last { "level_complete" } else { "move" };
        send(producer, "passes", &level, event_type, now).await;
        times_ms.push(now.as_millisecond());
    }
    times_ms
}

async fn send(
    producer: &Producer,
    player: &str,
    level: &str,
    event_type: &str,
    time: jiff::Timestamp,
) {
    let event = json!({
        "event_name": "player_action",
        "parameters": {
            "player_id": player,
            "session_id": "session_1",
            "event_type": event_type,
            "level_id": level,
            "map_id": "map_1",
        },
        "event_timestamp": time.to_string(),
        "user_data": {"user_id": player, "platform": "PC"},
    });
    let delivery = producer
        .send(player.to_owned(), event.to_string())
        .await
        .unwrap();
    producer.flush().await.unwrap();
    delivery.wait().await.unwrap();
}

/// When the first row of a player was written.
async fn written(cluster: &Cluster, topic: &str, player: &str) -> i64 {
    let is_its = |row: &Value| row["player_id"] == player;
    harness::wait_for_derived(cluster, topic, |rows| rows.iter().any(is_its)).await;
    let records = harness::records(cluster, topic).await;
    let is_its = |record: &&Record| is_its(&serde_json::from_slice(&record.value).unwrap());
    let first = records.iter().find(is_its).unwrap();
    first.timestamp_ms.unwrap()
}

fn assert_prompt(what: &str, after_ms: i64, promise_ms: i64) {
    eprintln!("`{what}`: {after_ms} ms after it was due");
    assert!(
        (0..=promise_ms).contains(&after_ms),
        "`{what}`: {after_ms} ms"
    );
}
