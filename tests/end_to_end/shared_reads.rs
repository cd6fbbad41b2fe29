//! Runners that read sources once for all their derivations, and runners that do not, take turns: one
//! goes on where the other stopped, and every row is what a recomputation says.

use std::collections::BTreeSet;

use client::Cluster;
use serde_json::Value;

use crate::harness::{self, AnyCluster, Running};
use crate::oracle::{self, RECOMPUTATIONS};

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_how_a_runner_reads_changes_no_result() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Running::start(&[
        "generate",
        "--cluster",
        node.address(),
        "--rate",
        "2000",
        "--seed",
        "9",
        "--broken",
        "0.01",
    ]);
    let run = ["run", "--cluster", node.address()];
    let shared = [&run[..], &["--shared-reads"]].concat();
    for (turn, arguments) in [&shared[..], &run, &shared].into_iter().enumerate() {
        let runner = Running::start(arguments);
        let enough = |rows: &[Value]| windows(rows) > turn;
        harness::wait_for_derived(&cluster, "level-engagement", enough).await;
        runner.stop();
    }
    generator.stop();
    let runner = Running::start(&shared);
    for recomputation in &RECOMPUTATIONS {
        let records = harness::records(&cluster, recomputation.source).await;
        let expected = (recomputation.rows)(&(recomputation.accept)(&records));
        let tolerance = oracle::tolerance;
        harness::wait_for_rows(&cluster, recomputation.topic, &expected, tolerance).await;
        let found = oracle::last_revisions(&harness::records(&cluster, recomputation.topic).await);
        oracle::assert_rows_equal(&found, &expected, tolerance);
    }
    runner.stop();
    for account in harness::accounts(&cluster).await.values() {
        harness::assert_adds_up(account);
    }
}

fn windows(rows: &[Value]) -> usize {
    let starts = rows.iter().map(|row| row["window_start"].to_string());
    starts.collect::<BTreeSet<_>>().len()
}
