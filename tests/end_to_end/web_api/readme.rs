//! Checks that the `curl` commands in the README print the output shown there, and that the posted events are
//! counted seconds later.

use std::process::Command;

use client::Cluster;
use tempfile::TempDir;

use crate::harness::{self, Running};
use crate::sql::declared;

const README: &str = include_str!("../../../README.md");

/// The address that the README's commands use.
const ADDRESS: &str = "http://127.0.0.1:8080";

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_work_as_printed() {
    let data_dir = TempDir::new().unwrap();
    let up = Running::start(&[
        "up",
        "--data-dir",
        harness::path(data_dir.path()),
        "--dataflow",
        harness::path(&declared::dataflow_file(&data_dir)),
        "--rate",
        "50",
    ]);
    let cluster = up.line("cluster: ");
    let address = up.line("web-api: ");
    let cluster = Cluster::connect(Some(&cluster)).await.unwrap();
    let lines = posts();
    assert!(
        lines.len() >= 3,
        "the README has too few commands that post"
    );
    for (command, expected) in lines {
        let command = command.replace(ADDRESS, &address);
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.trim(), expected, "{command}");
    }
    harness::wait_for_derived(&cluster, "level-engagement", |rows| {
        rows.iter().any(|row| row["level_id"] == "level_42")
    })
    .await;
    let events = harness::derived(&cluster, "player-events").await;
    assert!(
        events
            .iter()
            .any(|event| event["parameters"]["level_id"] == "level_42")
    );
    up.stop();
}

/// Returns each `curl` command that posts, with the line below it, which is the expected output.
fn posts() -> Vec<(&'static str, &'static str)> {
    let lines = || README.lines();
    let pairs = lines().zip(lines().skip(1));
    pairs
        .filter_map(|(line, printed)| Some((line.strip_prefix("$ ")?, printed)))
        .filter(|(line, _)| line.starts_with("curl") && line.contains("/v1/"))
        .collect()
}
