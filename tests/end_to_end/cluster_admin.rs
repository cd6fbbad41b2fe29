//! `cluster`, `provision` and `health`: what containers call instead of shell scripts.

use std::process::Output;

use client::Cluster;

use crate::harness::{self, LocalCluster, Running};

/// The number of a local cluster's one server.
const ID: &str = "5001";

#[tokio::test(flavor = "multi_thread")]
async fn a_local_cluster_has_its_one_server_and_takes_no_other() {
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
    assert!(text(&same).0.contains("was registered already"), "{same:?}");
    says(
        &register(ID, "elsewhere:9010"),
        &["registered already, with other addresses", server],
    );
    says(
        &register("5002", "elsewhere:9010"),
        &["takes no servers", "controller (SC)"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_in_words_and_by_its_exit_code_what_is_there() {
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
    says(
        &status(&["--spus", "2"]),
        &["1 SPUs are online", "2 are wanted"],
    );
    let quiet = status(&["--quiet"]);
    assert!(quiet.status.success());
    assert_eq!(text(&quiet), (String::new(), String::new()));
    node.kill();
    says(&status(&["--quiet"]), &[&address, "nobody listens there"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_makes_what_is_missing_and_can_be_repeated() {
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
    let runner = Running::start(&["run", "--cluster", &node.address]);
    let metrics = runner.line("metrics: ");
    let ask =
        |more: &[&str]| harness::try_run(&[&["health", "--addr", &metrics][..], more].concat());
    let deadline = std::time::Instant::now() + harness::patience();
    while !ask(&[]).status.success() {
        assert!(std::time::Instant::now() < deadline, "{:?}", ask(&[]));
    }
    says(&ask(&["--path", "/no-such-page"]), &["404"]);
    says(&ask(&["--path", "health"]), &["--path is `health`"]);
    runner.stop();
    says(&ask(&[]), &[&metrics]);
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn says(output: &Output, words: &[&str]) {
    let error = text(output).1;
    assert!(!output.status.success(), "it went well: {output:?}");
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}
