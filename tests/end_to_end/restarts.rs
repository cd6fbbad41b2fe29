//! Restarts the runner and the local cluster. The runner must neither lose nor repeat a window, and the cluster must
//! keep all acknowledged records even after `kill -9`.

use std::collections::BTreeSet;

use client::Cluster;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster, LocalCluster};
use crate::oracle;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_runner_that_stops_and_starts_neither_loses_nor_repeats_a_window() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    // Events arrive in real time, so windows are open whenever the runner stops.
    let generator = Generator::at(node.address()).rate(500).seed(3).start();
    for _ in 0..3 {
        let before = windows(&harness::derived(&cluster, "level-engagement").await);
        let runner = Runner::at(node.address()).dataflow(&dataflow).start();
        harness::wait_for_derived(&cluster, "level-engagement", |rows| windows(rows) > before)
            .await;
        runner.stop();
    }
    generator.stop();
    let runner = Runner::at(node.address()).dataflow(&dataflow).start();
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let expected = oracle::level_engagement(&players);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| {
        rows.len() >= expected.len()
    })
    .await;
    runner.stop();
    let found = oracle::last_revisions(&harness::records(&cluster, "level-engagement").await);
    oracle::assert_rows_equal(&found, &expected, |_| 1e-12);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_one_of_two_runners_writes_and_the_other_takes_over() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Generator::at(node.address()).rate(500).seed(4).start();
    let mut first = Runner::at(node.address()).dataflow(&dataflow).start();
    let second = Runner::at(node.address()).dataflow(&dataflow).start();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    first.kill();
    let third = Runner::at(node.address()).dataflow(&dataflow).start();
    let before = harness::derived(&cluster, "level-engagement").await.len();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    generator.stop();
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    harness::wait_for_rows(
        &cluster,
        "level-engagement",
        &oracle::level_engagement(&players),
        |_| 1e-12,
    )
    .await;
    for runner in [second, third] {
        runner.line("runner: reads from "); // before that, a stopped runner exits with a failure code
        runner.stop();
    }
    let found = oracle::last_revisions(&harness::records(&cluster, "level-engagement").await);
    oracle::assert_rows_equal(&found, &oracle::level_engagement(&players), |_| 1e-12);
}

// Only on Linux: elsewhere a runner cannot detect that another runner was killed, and takes over only after the other
// runner has written no heartbeat for some time.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_runner_detects_that_another_one_on_its_host_was_killed() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Generator::at(node.address()).rate(500).seed(6).start();
    let mut first = Runner::at(node.address()).dataflow(&dataflow).start();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    first.kill();
    let held = in_claims(
        &harness::derived(&cluster, "dataflow-leases").await,
        "runner",
    );
    assert!(held.len() > 1, "each derivation has a lease: {held:?}");
    let second = Runner::at(node.address()).dataflow(&dataflow).start();
    let records = harness::wait_for_derived(&cluster, "dataflow-leases", |records| {
        in_claims(records, "supersedes").is_superset(&held)
    })
    .await;
    for claim in records
        .iter()
        .filter(|record| record["supersedes"].is_string())
    {
        assert_eq!(claim["found_dead"], true, "it waited for silence: {claim}");
    }
    generator.stop();
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let expected = oracle::level_engagement(&players);
    harness::wait_for_rows(&cluster, "level-engagement", &expected, |_| 1e-12).await;
    second.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_runner_that_was_suspended_writes_nothing_after_another_took_over() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Generator::at(node.address()).rate(500).seed(7).start();
    let suspended = Runner::at(node.address()).dataflow(&dataflow).start();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    let held = in_claims(
        &harness::derived(&cluster, "dataflow-leases").await,
        "runner",
    );
    let successor = Runner::at(node.address()).dataflow(&dataflow).start();
    harness::signal(suspended.pid(), "-STOP");
    harness::wait_for_derived(&cluster, "dataflow-leases", |records| {
        in_claims(records, "supersedes").is_superset(&held)
    })
    .await;
    harness::signal(suspended.pid(), "-CONT");
    // Both runners now have the state of the same windows.
    let before = windows(&harness::derived(&cluster, "level-engagement").await);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| {
        windows(rows) >= before + 5
    })
    .await;
    generator.stop();
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let expected = oracle::level_engagement(&players);
    harness::wait_for_rows(&cluster, "level-engagement", &expected, |_| 1e-12).await;
    suspended.stop();
    successor.stop();
}

/// Returns the number of different windows of these rows.
fn windows(rows: &[serde_json::Value]) -> usize {
    let starts = rows.iter().map(|row| row["window_start"].to_string());
    starts.collect::<BTreeSet<_>>().len()
}

/// Returns the values that this field, which names a runner, has in the records of `dataflow-leases` that claim a
/// lease.
fn in_claims(records: &[serde_json::Value], field: &str) -> BTreeSet<String> {
    records
        .iter()
        .filter(|record| record["kind"] == "claim")
        .filter_map(|record| record[field].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_another_length_need_another_name() {
    let node = LocalCluster::start();
    let of_window = |window: &str| {
        DataflowFile::of_derivations(&format!(
            "\n  level-engagement: {{from: player-events, window: {window}}}\n"
        ))
    };
    let (dataflow, other) = (of_window("10s"), of_window("{size: 20s, hop: 10s}"));
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let run = Runner::at(&node.address).dataflow(&dataflow);
    Generator::at(&node.address).events(2000).run();
    let runner = run.start();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    runner.stop();
    let refused = Runner::at(&node.address).dataflow(&other).try_run();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        error.contains(
            "`level-engagement` has been from `player-events`, window_ms `10000` \
             and is from `player-events`, hop_ms `10000`, window_ms `20000` in this dataflow file"
        ),
        "{error}"
    );
    let before = harness::derived(&cluster, "level-engagement").await.len();
    let again = run.start();
    Generator::at(&node.address).events(2000).run();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    again.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_local_cluster_keeps_all_that_it_acknowledged() {
    let mut node = LocalCluster::start();
    Generator::at(&node.address).events(5000).seed(1).run();
    let before = contents(&node.address).await;
    assert_eq!(before.iter().map(Vec::len).sum::<usize>(), 5000);
    for _ in 0..3 {
        node.kill();
        node.restart();
        assert!(
            contents(&node.address).await == before,
            "the same records at the same offsets"
        );
    }
    Generator::at(&node.address).events(1000).seed(2).run();
    assert_eq!(
        contents(&node.address)
            .await
            .iter()
            .map(Vec::len)
            .sum::<usize>(),
        6000
    );
}

async fn contents(address: &str) -> Vec<Vec<client::Record>> {
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    let mut contents = Vec::new();
    for topic in ["player-events", "purchase-events", "server-metrics"] {
        contents.push(harness::records(&cluster, topic).await);
    }
    contents
}
