//! Checks that a source can have the maximum number of partitions, and that `up` refuses to start if the limit on open
//! files does not allow enough connections for them.

use client::{Cluster, Mode, Partition, Start};
use tempfile::TempDir;

use crate::commands::Generator;
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, LocalCluster, Running, path};

/// The maximum number of partitions of a source.
const PARTITIONS: u32 = 256;

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_each_of_256_partitions_for_each_of_five_readers_leaves_room_for_others() {
    local_cluster::open_files_max();
    let node = LocalCluster::start();
    let dataflow = DataflowFile::quick_with_partitions(&[PARTITIONS, 1, 1]);
    let generator = Generator::at(&node.address).dataflow(&dataflow);
    generator.clone().events(2_000).run();
    let mut streams = Vec::new();
    for _reader in 0..5 {
        // Each reader has its own client, so that readers share no connection.
        let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
        for partition in Partition::of(PARTITIONS) {
            let stream = cluster.records("player-events", partition, Start::End, Mode::Follow);
            streams.push(stream.await.unwrap());
        }
    }
    let printed = harness::run(&[
        "consume",
        "player-events",
        "--cluster",
        &node.address,
        "--beginning",
        "--output",
        "json",
    ]);
    let lines = String::from_utf8_lossy(&printed.stdout).lines().count();
    assert!(lines > 1_000, "{lines} records");
    generator.events(100).run();
}

#[test]
fn too_many_connections_are_refused_with_a_number_that_works() {
    let data = TempDir::new().unwrap();
    let dataflow = DataflowFile::all_by_event_time_and(&[PARTITIONS, 1, 1], "");
    let log = data.path().join("log");
    let script = format!("ulimit -n 1024; exec 2>{}", path(&log));
    let data_dir = data.path().join("data");
    let args = [
        "up",
        "--data-dir",
        path(&data_dir),
        "--dataflow",
        &dataflow.path(),
    ];
    let status = Running::start_in_shell(&script, &args).wait();
    let error = std::fs::read_to_string(log).unwrap();
    assert!(!status.success(), "{error}");
    for text in [
        "source `player-events` has 256 partitions, and each needs a stream",
        "together need 258 connections, and the limit is 241; it works with 239 partitions",
    ] {
        assert!(error.contains(text), "{error}");
    }
}
