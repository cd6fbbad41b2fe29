//! Deletes a source topic and creates it again. The derivation must refuse the new log with an explanation and leave
//! its rows as they are. Other derivations must continue. After `run --reset`, the derivation must begin with the new
//! log.

use client::{Cluster, TopicSettings};
use fluvio::metadata::topic::TopicSpec;
use fluvio::{Fluvio, FluvioClusterConfig};
use serde_json::{Value, json};

use crate::commands::Runner;
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::monitoring;

const SOURCE: &str = "player-events";
const DERIVATION: &str = "level-engagement";
/// The event times in the old log and in the new log, up to the minute. `produce` adds the seconds.
const OLD: &str = "2026-01-01T00:00";
const YOUNG: &str = "2026-01-01T01:00";

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_source_recreated_while_the_runner_is_stopped_is_refused_until_reset() {
    for young in [10, 200] {
        refused_until_reset(young, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_source_recreated_while_the_runner_reads_is_refused_until_reset() {
    for young in [10, 200] {
        refused_until_reset(young, false).await;
    }
}

/// Replaces a log of 100 events with one of `young` events.
async fn refused_until_reset(young: usize, is_stopped: bool) {
    let node = AnyCluster::start();
    let address = node.address();
    let dataflow = DataflowFile::quick_with_partitions(&[1, 1, 1]);
    let run = Runner::at(address).dataflow(&dataflow);
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    let mut runner = run.start();
    let mut metrics = runner.line("metrics: ");
    runner.line("runner: reads from ");
    produce(&cluster, OLD, 100).await;
    let old =
        harness::wait_for_derived(&cluster, DERIVATION, |rows| events(rows, OLD) == 100).await;
    if is_stopped {
        runner.stop();
        recreate(address, &cluster).await;
        produce(&cluster, YOUNG, young).await;
        runner = run.start();
        metrics = runner.line("metrics: ");
        runner.line("runner: reads from ");
    } else {
        recreate(address, &cluster).await;
        produce(&cluster, YOUNG, young).await;
    }
    let reasons = refusal(&metrics).await;
    assert!(
        reasons.contains("run --reset level-engagement"),
        "{reasons}"
    );
    assert!(reasons.contains("is not the log that"), "{reasons}");
    others_continue(&cluster).await;
    assert_eq!(
        harness::derived(&cluster, DERIVATION).await,
        old,
        "old windows stay"
    );

    reset(&run);
    let rows = harness::wait_for_derived(&cluster, DERIVATION, |rows| {
        events(rows, YOUNG) == young as u64
    })
    .await;
    assert_eq!(rows[..old.len()], old, "old windows stay");
    for (derivation, message) in [
        (DERIVATION, "there is nothing to reset"),
        (
            "engagement",
            "the dataflow file has no derivation `engagement`",
        ),
    ] {
        let refused = run.clone().reset(derivation).yes().try_run();
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(error.contains(message), "{error}");
    }
    runner.stop();
}

/// Resets the derivation, first without confirming and then with `--yes`.
fn reset(run: &Runner) {
    let asked = run.clone().reset(DERIVATION).try_run();
    assert!(!asked.status.success(), "it was not confirmed");
    let question = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(
        question.contains("keeps every row of `level-engagement`"),
        "{question}"
    );
    run.clone().reset(DERIVATION).yes().run();
}

/// Waits until `/health` reports that the derivation refuses its source, and returns the reasons.
async fn refusal(metrics: &str) -> String {
    let deadline = std::time::Instant::now() + harness::WAIT_MAX;
    loop {
        let (_, text) = monitoring::get(metrics, "/health");
        let health: Value = serde_json::from_str(&text).unwrap();
        let reasons = &health["derivations"][DERIVATION]["reasons"];
        if reasons.to_string().contains("--reset") {
            return reasons.to_string();
        }
        assert!(std::time::Instant::now() < deadline, "{health}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Checks that a derivation of another source still writes rows.
async fn others_continue(cluster: &Cluster) {
    let before = harness::derived(cluster, "server-health").await.len();
    let producer = cluster.producer("server-metrics").await.unwrap();
    let report = json!({
        "event_name": "server_metric", "event_timestamp": jiff::Timestamp::now().to_string(),
        "parameters": {"server_id": "a", "cpu_load": 20, "memory_usage": 30, "latency": 20},
        "server_data": {"region": "eu", "server_type": "dedicated"},
    });
    let _sent = producer
        .send("a".to_owned(), report.to_string())
        .await
        .unwrap();
    producer.flush().await.unwrap();
    harness::wait_for_derived(cluster, "server-health", |rows| rows.len() > before).await;
}

async fn recreate(address: &str, cluster: &Cluster) {
    let fluvio = Fluvio::connect_with_config(&FluvioClusterConfig::new(address))
        .await
        .unwrap();
    fluvio
        .admin()
        .await
        .delete::<TopicSpec>(SOURCE)
        .await
        .unwrap();
    let topic = TopicSettings {
        name: SOURCE.to_owned(),
        partitions: 1,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&topic).await.unwrap();
}

/// Produces events of one player, two per second, in the first 50 seconds of `minute`.
async fn produce(cluster: &Cluster, minute: &str, count: usize) {
    let producer = cluster.producer(SOURCE).await.unwrap();
    for index in 0..count {
        let (second, half) = (index / 2 % 50, index % 2 * 5);
        let event = json!({
            "event_name": "player_action", "event_timestamp": format!("{minute}:{second:02}.{half}Z"),
            "parameters": {"player_id": "p", "session_id": "s", "event_type": "move", "level_id": "l", "map_id": "m"},
            "user_data": {"user_id": "p", "platform": "PC"},
        });
        let _sent = producer
            .send("p".to_owned(), event.to_string())
            .await
            .unwrap();
    }
    producer.flush().await.unwrap();
}

/// Counts the events in the last revisions of the windows in this minute.
fn events(rows: &[Value], minute: &str) -> u64 {
    let mut last = std::collections::BTreeMap::new();
    for row in rows {
        let start = row["window_start"].as_str().unwrap();
        if start.starts_with(minute) {
            last.insert(start, row["events"].as_u64().unwrap());
        }
    }
    last.values().sum()
}
