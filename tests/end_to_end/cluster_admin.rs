//! Tests the subcommands `cluster`, `provision` and `health`, which containers run instead of shell scripts.

use std::process::Output;

use client::Cluster;

use crate::commands::Runner;
use crate::harness::{self, LocalCluster};

/// The id of the only server of a local cluster.
const ID: &str = "5001";

#[tokio::test(flavor = "multi_thread")]
async fn a_local_cluster_has_one_server_and_accepts_no_other() {
    let node = LocalCluster::start();
    let (address, server) = (&node.address, &node.spu_address);
    let register = |id: &str, public: &str| {
        harness::try_run(&[
            "cluster",
            "register-spu",
            "--id",
            id,
            "--public",
            public,
            "--private",
            server,
            "--cluster",
            address,
        ])
    };
    let same = register(ID, server);
    assert!(same.status.success());
    assert!(text(&same).0.contains("was already registered"), "{same:?}");
    assert_fails_with(
        &register(ID, "elsewhere:9010"),
        &["already registered, with different addresses", server],
    );
    assert_fails_with(
        &register("5002", "elsewhere:9010"),
        &["does not accept servers", "controller (SC)"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_printed_and_is_the_exit_code() {
    let mut node = LocalCluster::start();
    let address = node.address.clone();
    let status = |more: &[&str]| {
        harness::try_run(&[&["cluster", "status", "--cluster", &address][..], more].concat())
    };
    let empty = status(&[]);
    assert!(empty.status.success(), "{empty:?}");
    let online = format!("spu {ID}: online, at {}", node.spu_address);
    assert!(text(&empty).0.contains(&online), "{empty:?}");
    assert!(text(&empty).0.contains("topics: 0"), "{empty:?}");
    assert_fails_with(
        &status(&["--spus", "2"]),
        &["1 SPUs are online", "2 are required"],
    );
    let quiet = status(&["--quiet"]);
    assert!(quiet.status.success());
    assert_eq!(text(&quiet), (String::new(), String::new()));
    node.kill();
    assert_fails_with(&status(&["--quiet"]), &[&address, "nothing listens there"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_creates_what_is_missing_and_can_be_repeated() {
    let node = LocalCluster::start();
    let provision = ["provision", "--cluster", &node.address];
    for _ in 0..2 {
        let output = harness::run(&provision);
        assert!(text(&output).0.contains("provisioned: "), "{output:?}");
    }
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    for topic in [
        "player-events",
        "level-engagement",
        "accounting",
        "late-events",
    ] {
        assert!(cluster.partition_count(topic).await.unwrap() > 0, "{topic}");
    }
    assert!(cluster.status().await.unwrap().unready.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_an_exit_code() {
    let node = LocalCluster::start();
    let runner = Runner::at(&node.address).start();
    let metrics = runner.line("metrics: ");
    let ask =
        |more: &[&str]| harness::try_run(&[&["health", "--addr", &metrics][..], more].concat());
    let deadline = std::time::Instant::now() + harness::WAIT_MAX;
    while !ask(&[]).status.success() {
        assert!(std::time::Instant::now() < deadline, "{:?}", ask(&[]));
    }
    assert_fails_with(&ask(&["--path", "/no-such-page"]), &["404"]);
    assert_fails_with(&ask(&["--path", "health"]), &["--path is `health`"]);
    runner.stop();
    assert_fails_with(&ask(&[]), &[&metrics]);
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn assert_fails_with(output: &Output, words: &[&str]) {
    let error = text(output).1;
    assert!(!output.status.success(), "it succeeded: {output:?}");
    for word in words {
        assert!(error.contains(word), "`{word}` is missing in: {error}");
    }
}
