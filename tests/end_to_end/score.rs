//! Scores the alerts about the planted incidents of a generated world, and compares the counts with a recount of the
//! raw records.

use std::path::Path;

use client::Cluster;
use model::Timestamp;
use serde_json::Value;

use crate::commands::{Generator, Runner};
use crate::harness::{self, LocalCluster};

const FLOORS: &str = include_str!("../../data-generator/score-floors.yaml");

/// Four minutes of event time, so that some stuck players are stuck for long enough.
const EVENTS: u64 = 240_000;

const INCIDENTS_PER_HOUR: u32 = 1_800;

/// The world is the same at every run, so that a floor is missed either always or never.
const START: &str = "2026-01-01T00:00:00Z";

/// The names of fields of an alert, each with the name of the same field of an incident.
type Fields = &'static [(&'static str, &'static str)];

/// The topics with alerts, the kind of their incidents, and the fields that an alert and its incident have in common.
const TOPICS: [(&str, &str, Fields); 3] = [
    (
        "fraud-alerts",
        "fraud",
        &[
            ("rule", "rule"),
            ("game_id", "game_id"),
            ("user_id", "user_id"),
        ],
    ),
    (
        "stuck-players",
        "stuck-player",
        &[("session_id", "session_id"), ("level_id", "level_id")],
    ),
    (
        "server-alerts",
        "server",
        &[("condition", "rule"), ("server_id", "server_id")],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn scores_equal_a_recount_and_a_missed_floor_fails() {
    let node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.jsonl");
    let generator = Generator::at(&node.address)
        .events(EVENTS)
        .seed(3)
        .beginning_at(START);
    generator
        .incidents(INCIDENTS_PER_HOUR)
        .truth(harness::path(&truth))
        .run();
    let text = std::fs::read_to_string(&truth).unwrap();
    let incidents: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();

    let runner = Runner::at(&node.address).start();
    let mut planted_and_found = [0; 2];
    for (topic, kind, fields) in TOPICS {
        let planted: Vec<_> = incidents
            .iter()
            .filter(|incident| incident["kind"] == kind && incident["complete"] == true)
            .collect();
        assert!(!planted.is_empty(), "{kind}");
        let is_found = |rows: &[Value], incident: &Value| {
            let is_about = |row: &Value| fields.iter().all(|(of, by)| row[of] == incident[by]);
            rows.iter()
                .any(|row| is_about(row) && overlaps(row, incident))
        };
        let all = |rows: &[Value]| planted.iter().all(|incident| is_found(rows, incident));
        let rows = harness::wait_for_derived(&cluster, topic, all).await;
        planted_and_found[0] += planted.len();
        planted_and_found[1] += planted.iter().filter(|one| is_found(&rows, one)).count();
    }
    runner.stop();

    let floors = folder.path().join("floors.yaml");
    let scored = score(&node.address, &truth, FLOORS, &floors);
    assert!(scored.status.success(), "{scored:?}");
    let table = String::from_utf8(scored.stdout).unwrap();
    let sum = |column: usize| -> usize {
        let cells = table
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().nth(column).unwrap());
        cells.map(|cell| cell.parse::<usize>().unwrap()).sum()
    };
    assert_eq!(table.lines().count(), 1 + 13, "{table}");
    assert_eq!([sum(1), sum(2)], planted_and_found, "{table}");

    let impossible = "velocity: {p95_delay_s: -1000}";
    let scored = score(&node.address, &truth, impossible, &floors);
    let error = String::from_utf8(scored.stderr).unwrap();
    assert!(!scored.status.success());
    assert!(error.contains("velocity: p95 delay"), "{error}");
}

#[test]
fn the_level_that_is_too_hard_is_found_among_those_of_all_games() {
    let node = LocalCluster::start();
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.jsonl");
    let at = ["--cluster", &node.address];
    harness::run(&[&["provision"], &at[..]].concat());
    let people = ["--players", "300000", "--seed", "1", "--start", START];
    let more = ["--events", "200000", "--incidents", "1", "--truth"];
    let truth = harness::path(&truth);
    harness::run(&[&["generate"], &at[..], &people, &more, &[truth]].concat());
    let scored = harness::run(&[&["score"], &at[..], &["--truth", truth]].concat());
    let table = String::from_utf8(scored.stdout).unwrap();
    let row = table.lines().find(|line| line.starts_with("stuck-levels"));
    let cells: Vec<_> = row.unwrap().split_whitespace().skip(1).take(4).collect();
    // Planted, found, alerts and correct alerts.
    assert_eq!(cells, ["1"; 4], "{table}");
}

/// Whether an alert begins at most 20 s after its incident ends, and ends after the incident starts. A server can have
/// several incidents of one condition.
fn overlaps(row: &Value, incident: &Value) -> bool {
    let time = |value: &Value| Timestamp::parse(value.as_str().unwrap()).unwrap();
    time(&row["window_start"]) <= time(&incident["end"]).plus_ms(20_000)
        && time(&incident["start"]) < time(&row["window_end"])
}

/// Runs `score` with a file of floors, which it writes.
fn score(cluster: &str, truth: &Path, floors: &str, file: &Path) -> std::process::Output {
    std::fs::write(file, floors).unwrap();
    harness::try_run(&[
        "score",
        "--cluster",
        cluster,
        "--truth",
        harness::path(truth),
        "--floors",
        harness::path(file),
    ])
}
