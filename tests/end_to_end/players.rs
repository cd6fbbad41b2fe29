//! Tests sessions and stuck players in a fixed number of generated events, with a runner that is killed along the way.
//! Every row must equal a recomputation from the source records, and none may be written twice.

use client::Cluster;
use serde_json::Value;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::oracle::{self, Stuck};

/// The session gap. A player pauses for one to seven seconds between two actions, so a gap of this length splits a
/// session only where an event is missing, because it was broken. With the thresholds below, many players are stuck.
/// Two minutes of event time yield thousands of rows.
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
async fn on_any_cluster_sessions_and_stuck_players_are_exact_after_a_kill_of_the_runner() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::of_derivations(DERIVATIONS);
    let generator = Generator::at(node.address()).dataflow(&dataflow);
    generator.events(120_000).seed(21).broken(0.01).run();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let records = harness::records(&cluster, "player-events").await;
    let sessions = oracle::player_session_summaries(&records, GAP_MS);
    let stuck = oracle::stuck_players(&records, STUCK);
    assert!(
        sessions.len() > 1_000 && stuck.len() > 1_000,
        "{} sessions and {} alerts are not a test",
        sessions.len(),
        stuck.len()
    );

    let run = Runner::at(node.address()).dataflow(&dataflow);
    let mut runner = run.start();
    let any = |rows: &[Value]| !rows.is_empty();
    harness::wait_for_derived(&cluster, "stuck-players", any).await;
    runner.kill();
    let runner = run.start();
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
