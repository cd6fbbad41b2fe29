//! Alternates between one runner, which reads each source once for all derivations, and two runners, which share the
//! derivations, because each has those whose leases it acquires. Each runner must continue where the earlier ones
//! stopped, and every row must equal a recomputation.

use std::collections::BTreeSet;

use client::Cluster;
use serde_json::Value;

use crate::commands::{Generator, Runner};
use crate::harness::{self, AnyCluster};
use crate::oracle::{self, RECOMPUTATIONS};

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_shared_reads_change_no_result() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Generator::at(node.address())
        .rate(300)
        .seed(9)
        .broken(0.01)
        .start();
    let run = Runner::at(node.address());
    for (turn, count) in [1, 2, 1].into_iter().enumerate() {
        let runners: Vec<_> = (0..count).map(|_| run.start()).collect();
        for runner in &runners {
            runner.line("runner: reads from "); // before that, a stopped runner exits with a failure code
        }
        let enough = |rows: &[Value]| windows(rows) > turn;
        harness::wait_for_derived(&cluster, "level-engagement", enough).await;
        for runner in runners {
            runner.stop();
        }
    }
    generator.stop();
    let runner = run.start();
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
