//! Stops and starts: of the runner, which neither loses nor repeats a window, and of the local
//! cluster, which finds all that it acknowledged, also after `kill -9`.

use std::collections::BTreeSet;

use client::Cluster;

use crate::harness::{self, AnyCluster, LocalCluster, Running};
use crate::map_file::MapFile;
use crate::oracle;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_runner_that_stops_and_starts_neither_loses_nor_repeats_a_window() {
    let node = AnyCluster::start();
    let map = MapFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    // A stream by the wall clock, so that windows are open whenever the runner stops.
    let generator = Running::start(&[
        "generate",
        "--cluster",
        node.address(),
        "--rate",
        "500",
        "--seed",
        "3",
    ]);
    for restarts in 1..4 {
        let runner = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
        let windows = |rows: &[serde_json::Value]| {
            rows.iter()
                .map(|row| row["window_start"].to_string())
                .collect::<BTreeSet<_>>()
                .len()
        };
        harness::wait_for_derived(&cluster, "level-engagement", |rows| {
            windows(rows) >= restarts
        })
        .await;
        runner.stop();
    }
    generator.stop();
    let runner = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
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
async fn on_any_cluster_of_two_runners_one_writes_and_the_other_takes_over() {
    let node = AnyCluster::start();
    let map = MapFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Running::start(&[
        "generate",
        "--cluster",
        node.address(),
        "--rate",
        "500",
        "--seed",
        "4",
    ]);
    let mut first = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
    let second = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    first.kill();
    let third = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
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
    second.stop();
    third.stop();
    let found = oracle::last_revisions(&harness::records(&cluster, "level-engagement").await);
    oracle::assert_rows_equal(&found, &oracle::level_engagement(&players), |_| 1e-12);
}

// Elsewhere a runner has only the old one's silence to go by.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_runner_knows_that_one_of_its_host_was_killed() {
    let node = AnyCluster::start();
    let map = MapFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Running::start(&[
        "generate",
        "--cluster",
        node.address(),
        "--rate",
        "500",
        "--seed",
        "6",
    ]);
    let mut first = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    first.kill();
    let held = in_claims(
        &harness::derived(&cluster, "dataflow-leases").await,
        "runner",
    );
    assert!(held.len() > 1, "each derivation has a lease: {held:?}");
    let second = Running::start(&["run", "--cluster", node.address(), "--map", &map.path()]);
    let words = harness::wait_for_derived(&cluster, "dataflow-leases", |words| {
        in_claims(words, "supersedes").is_superset(&held)
    })
    .await;
    for word in words.iter().filter(|word| word["supersedes"].is_string()) {
        assert_eq!(word["found_dead"], true, "it waited for silence: {word}");
    }
    generator.stop();
    let players = oracle::player_events(&harness::records(&cluster, "player-events").await);
    let expected = oracle::level_engagement(&players);
    harness::wait_for_rows(&cluster, "level-engagement", &expected, |_| 1e-12).await;
    second.stop();
}

/// The runners that are named in this field of the claims.
fn in_claims(words: &[serde_json::Value], field: &str) -> BTreeSet<String> {
    words
        .iter()
        .filter(|word| word["kind"] == "claim")
        .filter_map(|word| word[field].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_another_length_want_another_name() {
    let node = LocalCluster::start();
    let of_window = |window: &str| {
        MapFile::of_derivations(&format!(
            "\n  level-engagement: {{from: player-events, window: {window}}}\n"
        ))
    };
    let (map, other) = (of_window("10s"), of_window("{size: 20s, hop: 10s}"));
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let run = ["run", "--cluster", &node.address, "--map", &map.path()];
    harness::run(&["generate", "--cluster", &node.address, "--events", "2000"]);
    let runner = Running::start(&run);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    runner.stop();
    let refused = harness::try_run(&["run", "--cluster", &node.address, "--map", &other.path()]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    assert!(
        said.contains(
            "`level-engagement` has been from `player-events`, window_ms `10000` and is from `player-events`, hop_ms `10000`, window_ms `20000` in this map"
        ),
        "{said}"
    );
    let before = harness::derived(&cluster, "level-engagement").await.len();
    let again = Running::start(&run);
    harness::run(&["generate", "--cluster", &node.address, "--events", "2000"]);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    again.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_local_cluster_finds_all_that_it_acknowledged() {
    let mut node = LocalCluster::start();
    harness::run(&[
        "generate",
        "--cluster",
        &node.address,
        "--events",
        "5000",
        "--seed",
        "1",
    ]);
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
    harness::run(&[
        "generate",
        "--cluster",
        &node.address,
        "--events",
        "1000",
        "--seed",
        "2",
    ]);
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
