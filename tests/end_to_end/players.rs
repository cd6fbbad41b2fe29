//! Sessions and stuck players: a bounded world into a fresh cluster, and a runner that is killed on
//! the way. Every row equals a recomputation from the source records, and none stands twice.

use client::Cluster;
use serde_json::Value;

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::oracle::{self, Stuck};

/// Players act every four seconds, so at this gap their sessions fall into pieces, and at these
/// thresholds many are stuck: thousands of rows from a world of two minutes.
const GAP_MS: i64 = 8_000;
const STUCK: Stuck = Stuck {
    min_ms: 20_000,
    min_events: 6,
    gap_ms: 10_000,
};

const DERIVATIONS: &str = "
  player-session-summaries:
    from: player-events
    window: {gap: 8s}
    retention: 7d
    idle_timeout: 2s
  stuck-players:
    from: player-events
    retention: 7d
    idle_timeout: 2s
    parameters: {min_seconds: 20, min_events: 6, session_gap_s: 10}
";

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_sessions_and_stuck_players_equal_a_recomputation_though_the_runner_is_killed()
 {
    let node = AnyCluster::start();
    let map = MapFile::of_derivations(DERIVATIONS);
    let map = map.path();
    let arguments = ["--cluster", node.address(), "--map", &map];
    let bounded = ["--events", "120000", "--seed", "21", "--broken", "0.01"];
    harness::run(&[&["generate"], &arguments[..], &bounded[..]].concat());
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let records = harness::records(&cluster, "player-events").await;
    let sessions = oracle::player_session_summaries(&records, GAP_MS);
    let stuck = oracle::stuck_players(&records, STUCK);
    assert!(
        sessions.len() > 1_000 && stuck.len() > 1_000,
        "{} sessions and {} alerts are no test",
        sessions.len(),
        stuck.len()
    );

    let run = [&["run"], &arguments[..]].concat();
    let mut runner = Running::start(&run);
    let any = |rows: &[Value]| !rows.is_empty();
    harness::wait_for_derived(&cluster, "stuck-players", any).await;
    runner.kill();
    let runner = Running::start(&run);
    for (topic, rows) in [
        ("player-session-summaries", &sessions),
        ("stuck-players", &stuck),
    ] {
        harness::wait_for_rows(&cluster, topic, rows, |_| 1e-12).await;
    }
    runner.stop();
    for (topic, rows) in [
        ("player-session-summaries", &sessions),
        ("stuck-players", &stuck),
    ] {
        let found = harness::records(&cluster, topic).await;
        assert_eq!(found.len(), rows.len(), "`{topic}`: nothing was corrected");
    }
}
