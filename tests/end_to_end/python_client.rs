//! Runs a Python program that uses only Fluvio's own client, the unmodified package `fluvio` from PyPI.

use std::process::Command;

use crate::harness::{self, LocalCluster};

const PROGRAM: &str = include_str!("python_client.py");

#[test]
fn the_stock_python_client_creates_produces_and_reads_back() {
    let node = LocalCluster::start();
    let printed = run(&[&node.address, "round-trip"]);
    assert_eq!(
        printed.trim(),
        "none: 10000\ngzip: 10000\nlz4: 10000\nsnappy: 10000\nzstd: 10000"
    );
}

/// Counts the records in partition 0 of a topic with the Python client.
pub(crate) fn count(address: &str, topic: &str) -> u64 {
    run(&[address, "count", topic]).trim().parse().unwrap()
}

fn run(args: &[&str]) -> String {
    let output = Command::new(harness::python())
        .args(["-c", PROGRAM])
        .args(args)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the Python program ended with {}: {error}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}
