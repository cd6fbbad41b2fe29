//! `up`: one process, addresses on standard output, and derived records of every topic within half
//! a minute, for our own reader and for another one's client.

use std::time::{Duration, Instant};

use client::Cluster;
use tempfile::TempDir;

use crate::harness::{self, Running};
use crate::map_file;
use crate::oracle::RECOMPUTATIONS;
use crate::python_client;

/// What a user is promised.
const PROMISE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn up_gives_derived_records_of_every_topic_within_half_a_minute() {
    let data_dir = TempDir::new().unwrap();
    let started = Instant::now();
    let up = Running::start(&["up", "--data-dir", harness::path(data_dir.path())]);
    let address = up.line("cluster: ");
    assert_eq!(up.line("runner: reads from "), address);
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    // A window of `revenue` alone is longer than that.
    let topics = RECOMPUTATIONS.map(|recomputation| recomputation.topic);
    let topics = topics.into_iter().filter(|topic| *topic != "revenue");
    for topic in topics.clone() {
        harness::wait_for_derived(&cluster, topic, |rows| !rows.is_empty()).await;
    }
    assert!(
        started.elapsed() < PROMISE,
        "it took {:?}",
        started.elapsed()
    );
    for topic in topics {
        let printed = harness::run(&[
            "consume",
            topic,
            "--cluster",
            &address,
            "--beginning",
            "--output",
            "json",
        ])
        .stdout;
        let first = printed.split(|byte| *byte == b'\n').next().unwrap();
        let row: serde_json::Value = serde_json::from_slice(first).unwrap();
        assert!(row["window_start"].is_string(), "{row}");
        assert!(python_client::count(&address, topic) > 0);
    }
    assert_eq!(
        up.stop()
            .iter()
            .filter(|line| line.contains(": read "))
            .count(),
        map_file::derivations().len(),
        "a summary per derivation"
    );
}
