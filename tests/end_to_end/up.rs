//! Checks that `up`, a single process, prints its addresses, and writes derived records to the topic of each derivation
//! whose windows are fixed and short. They are read with `consume` and with Fluvio's Python client.

use client::Cluster;
use tempfile::TempDir;

use crate::dataflow_file;
use crate::harness::{self, Running};
use crate::oracle::RECOMPUTATIONS;
use crate::python_client;

#[tokio::test(flavor = "multi_thread")]
async fn up_writes_derived_records_of_every_topic() {
    let data_dir = TempDir::new().unwrap();
    let up = Running::start(&[
        "up",
        "--rate",
        "200",
        "--data-dir",
        harness::path(data_dir.path()),
    ]);
    let address = up.line("cluster: ");
    assert_eq!(up.line("runner: reads from "), address);
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    // Leaves out `revenue`, whose windows are a minute long.
    let topics = RECOMPUTATIONS.map(|recomputation| recomputation.topic);
    let topics = topics.into_iter().filter(|topic| *topic != "revenue");
    for topic in topics.clone() {
        harness::wait_for_derived(&cluster, topic, |rows| !rows.is_empty()).await;
    }
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
        dataflow_file::derivations().len(),
        "one summary per derivation"
    );
}
