//! Follows queries: the rows of a window are printed once, when the window is over.

use std::path::Path;

use client::{Cluster, Producer};
use serde_json::Value;
use tempfile::TempDir;

use super::{assert_level_row, declared};
use crate::commands::Generator;
use crate::examples;
use crate::harness::{self, AnyCluster, LocalCluster, Running};
use crate::oracle;

const QUERY: &str =
    r#"SELECT region, count(*) AS n FROM "match-events" GROUP BY TUMBLE('10s'), region"#;

/// A followed query over `match-events`, and the file with its standard error.
struct Follower {
    command: Running,
    log: std::path::PathBuf,
}

impl Follower {
    fn start(folder: &TempDir, address: &str, output: &str) -> Self {
        let log = folder.path().join(format!("{output}.log"));
        let file = declared::dataflow_file(folder);
        let file = harness::path(&file);
        let flags = ["--follow", "--from", "beginning", "--output", output];
        let place = ["--cluster", address, "--dataflow", file];
        let command = Running::start_logged(&[&["sql", QUERY][..], &flags, &place].concat(), &log);
        Self { command, log }
    }

    /// Stops the command, which must succeed, and returns the lines on standard output that have not been read, and
    /// those on standard error.
    fn stop(self) -> (Vec<String>, Vec<String>) {
        let rows = self.command.stop();
        (rows, lines(&self.log))
    }
}

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Writes a match at this second of a minute, and waits until the cluster has it.
async fn send(producer: &Producer, second: u32, region: &str) {
    let value = format!(
        r#"{{"sent_at":"2025-01-01T00:00:{second:02}Z","match":{{"id":"m"}},"region":"{region}"}}"#
    );
    let delivery = producer
        .send("m".to_owned(), value.into_bytes())
        .await
        .unwrap();
    producer.flush().await.unwrap();
    delivery.wait().await.unwrap();
}

async fn matches(folder: &TempDir, node: &LocalCluster) -> Producer {
    let file = declared::dataflow_file(folder);
    harness::run(&[
        "provision",
        "--cluster",
        &node.address,
        "--dataflow",
        harness::path(&file),
    ]);
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    cluster.producer("match-events").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_printed_once_and_late_records_are_counted() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let producer = matches(&folder, &node).await;
    // The watermark reaches 10 s with the record of 12 s, so the record of 7 s is late, and that of 11 s is not.
    for (second, region) in [
        (1, "eu"),
        (9, "eu"),
        (4, "us"),
        (12, "eu"),
        (7, "eu"),
        (11, "eu"),
    ] {
        send(&producer, second, region).await;
    }
    let follower = Follower::start(&folder, &node.address, "json");
    let row = |from: u32, region: &str, n: u32| {
        let time = |second: u32| format!(r#""2025-01-01T00:00:{second:02}.000Z""#);
        let bounds = format!(
            r#""window_start":{},"window_end":{}"#,
            time(from),
            time(from + 10)
        );
        format!(r#"{{{bounds},"region":"{region}","n":{n}}}"#)
    };
    // Each line is the next one.
    let next = |expected: String| assert_eq!(follower.command.line(""), expected);
    next(row(0, "eu", 2));
    next(row(0, "us", 1));
    // New records close the next window.
    send(&producer, 8, "us").await;
    send(&producer, 22, "eu").await;
    next(row(10, "eu", 2));
    // After 10 s without records, time goes on by itself.
    next(row(20, "eu", 1));
    send(&producer, 31, "us").await;
    let (rows, notes) = follower.stop();
    assert_eq!(rows, [""; 0], "the last window is not over");
    assert_eq!(notes[0].split(" from ").next(), Some("4 rows"), "{notes:?}");
    assert_eq!(notes[1], "late, after a window of theirs was printed: 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_for_a_window_without_rows_is_late_too() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let producer = matches(&folder, &node).await;
    // The record of 32 s closes all windows until 30 s, of which none has a row.
    for second in [32, 15, 43] {
        send(&producer, second, "eu").await;
    }
    let follower = Follower::start(&folder, &node.address, "json");
    let first: Value = serde_json::from_str(&follower.command.line("")).unwrap();
    assert_eq!(first["window_start"], "2025-01-01T00:00:30.000Z");
    let (_, notes) = follower.stop();
    assert_eq!(notes[1], "late, after a window of theirs was printed: 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_csv_have_one_header_and_a_closed_pipe_ends_the_command() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let producer = matches(&folder, &node).await;
    for (second, region) in [
        (1, "eu"),
        (12, "asia"),
        (24, "eu"),
        (36, "a long region"),
        (48, "eu"),
    ] {
        send(&producer, second, region).await;
    }
    let csv = Follower::start(&folder, &node.address, "csv");
    let times = |from: u32| {
        format!(
            "2025-01-01T00:00:{from:02}.000Z,2025-01-01T00:00:{:02}.000Z",
            from + 10
        )
    };
    assert_eq!(csv.command.line(""), "window_start,window_end,region,n");
    for (from, region) in [(0, "eu"), (10, "asia"), (20, "eu"), (30, "a long region")] {
        assert_eq!(csv.command.line(""), format!("{},{region},1", times(from)));
    }
    csv.stop();

    let table = Follower::start(&folder, &node.address, "table");
    let lines: Vec<String> = (0..6).map(|_| table.command.line("")).collect();
    table.stop();
    let words = |line: &String| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let header = ["window_start", "window_end", "region", "n"];
    // The second header is for a column that has become wider.
    assert_eq!(words(&lines[0]), header, "{lines:?}");
    assert_eq!(words(&lines[4]), header, "{lines:?}");
    for range in [0..4, 4..6] {
        let ends: Vec<_> = lines[range]
            .iter()
            .map(|line| line.chars().count())
            .collect();
        assert!(
            ends.iter().all(|end| *end == ends[0]),
            "the last column is aligned: {lines:?}"
        );
    }
}

#[test]
fn a_query_without_windows_is_refused_with_the_way_out() {
    let query = r#"SELECT count(*) AS n FROM "player-events""#;
    let refused = harness::try_run(&["sql", query, "--follow"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && error.contains("add TUMBLE, HOP or SESSION"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_history_and_new_events_equal_a_recomputation() {
    let any = AnyCluster::start();
    let cluster = Cluster::connect(Some(any.address())).await.unwrap();
    let generator = Generator::at(any.address()).seed(11).broken(0.01);
    generator.clone().events(20_000).run();
    let follow = [
        "--follow",
        "--from",
        "beginning",
        "--output",
        "json",
        "--cluster",
    ];
    let query = examples::query("level-engagement");
    let args = [&["sql", &query][..], &follow, &[any.address()]].concat();
    let command = Running::start(&args);
    let mut rows = vec![command.line("")];
    // Live events, while the history is still being read or after that.
    generator.rate(1_000).events(5_000).run();
    let records = harness::records(&cluster, "player-events").await;
    let expected = oracle::level_engagement(&oracle::player_events(&records));
    while rows.len() < expected.len() {
        rows.push(command.line(""));
    }
    rows.extend(command.stop());
    assert_eq!(rows.len(), expected.len(), "each row is printed once");
    let mut last = String::new();
    for row in &rows {
        let row: Value = serde_json::from_str(row).unwrap();
        assert_level_row(&row, &expected);
        let start = row["window_start"].as_str().unwrap().to_owned();
        assert!(start >= last, "windows are in order");
        last = start;
    }
}
