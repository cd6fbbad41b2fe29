//! Checks that sessions and alerts are written when they are due: a stuck player is reported while still playing, and a
//! session ends even if no further event follows.

use std::time::Duration;

use client::{Cluster, Producer, Record};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::commands::Runner;
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};

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

/// Ten times the promised delay, for machines that compile at the same time.
const PROMISE_MS: i64 = 10 * 2_000;

const PACE: Duration = Duration::from_millis(100);
const EVENTS: usize = 120;
/// The number of events after which the player who is not stuck completes a level and continues on the next one.
const LEVEL_EVENTS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_the_stuck_are_reported_while_they_play_and_sessions_end_without_another_event()
 {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::of_derivations(DERIVATIONS);
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let runner = Runner::at(node.address()).dataflow(&dataflow).start();
    runner.line("runner: reads from ");
    let producer = cluster.producer("player-events").await.unwrap();
    // Times are measured only after the runner has written the first row.
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
    // The sessions of both players are over, so no further alert follows.
    let stuck = harness::derived(&cluster, "stuck-players").await;
    assert_eq!(stuck.len(), 1, "{stuck:?}");
    runner.stop();
}

/// Sends events of one player who stays on a level, and of another who moves from level to level. Returns the event
/// times, which are the same for both players. The times are evenly spaced even if a busy machine sends events late.
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

/// Returns the time at which the first row of a player was written.
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
