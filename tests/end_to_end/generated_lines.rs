//! `generate --stdout`: the bytes of a seed, and the paces of a world that begins in the past. No cluster is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use model::Timestamp;
use serde_json::Value;

use crate::harness::{self, BINARY};

/// The hash of the lines of seed 1. A change of it is a change of every stored or published world: name it in the
/// changelog.
const SEED_1: &str = "b3e48d349d6dba1f3439b5affb3fca8c3cf54c296918fce25568277241c77d48";

const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data-generator/schemas");

/// Returns the SHA-256 of what a subcommand prints.
fn sha256(args: &[&str]) -> String {
    let mut command = Command::new(BINARY)
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = command.stdout.take().unwrap();
    let hash = Command::new("sha256sum").stdin(lines).output().unwrap();
    assert!(command.wait().unwrap().success(), "{args:?}");
    let hash = String::from_utf8(hash.stdout).unwrap();
    hash.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn the_bytes_of_a_seed_are_the_same_on_every_machine() {
    let args = ["generate", "--seed", "1", "--events", "1000000", "--stdout"];
    assert_eq!(sha256(&args), SEED_1);
}

/// The hash of the lines of a world of people.
const SEED_1_PEOPLE: &str = "927a25436cded58bfccfa64d88e24da60e6fca01817ffedf8e1c23666a3cc389";

#[test]
fn the_bytes_of_people_do_not_depend_on_the_number_of_tasks() {
    let args = ["generate", "--stdout", "--seed", "1", "--players", "20000"];
    for tasks in ["1", "2", "5"] {
        let more = ["--events", "300000", "--tasks", tasks];
        assert_eq!(
            sha256(&[&args[..], &more].concat()),
            SEED_1_PEOPLE,
            "{tasks} tasks"
        );
    }
}

#[test]
fn each_event_of_people_agrees_with_the_schema_of_its_type() {
    let args = [
        "generate",
        "--stdout",
        "--players",
        "20000",
        "--events",
        "300000",
    ];
    let mut generator = Command::new(BINARY)
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let validator = Command::new(harness::python())
        .args(["-c", include_str!("schemas.py"), SCHEMAS])
        .stdin(generator.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(generator.wait().unwrap().success());
    let errors = String::from_utf8_lossy(&validator.stderr);
    assert!(validator.status.success(), "{errors}");
    let counts: BTreeMap<String, u64> = serde_json::from_slice(&validator.stdout).unwrap();
    let types = std::fs::read_dir(SCHEMAS).unwrap().flat_map(|topic| {
        let schemas = std::fs::read_dir(topic.unwrap().path()).unwrap();
        schemas.map(|schema| {
            schema
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
    });
    let types: BTreeSet<String> = types.collect();
    assert_eq!(counts.keys().cloned().collect::<BTreeSet<_>>(), types);
}

#[test]
fn another_seed_start_rate_or_share_of_broken_records_gives_other_bytes() {
    let few = ["generate", "--stdout", "--events", "1000"];
    let hash = |more: &[&str]| sha256(&[&few[..], more].concat());
    let mut hashes = vec![
        hash(&[]),
        hash(&["--seed", "2"]),
        hash(&["--start", "2026-01-01T00:00:01Z"]),
        hash(&["--broken", "0.1"]),
    ];
    assert_eq!(
        hash(&["--seed", "1", "--start", "2026-01-01T00:00:00Z"]),
        hashes[0],
        "the defaults, given as flags"
    );
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 4);
}

/// Runs a world that began a minute ago until it has lived for more than a minute. Returns the times of its first and
/// last event, and how long it took.
fn a_minute_and_more(more: &[&str]) -> (Timestamp, Timestamp, Duration) {
    let args = [
        "generate",
        "--stdout",
        "--rate",
        "200",
        "--backfill",
        "60s",
        "--events",
        "12600",
    ];
    let begun = Instant::now();
    let output = harness::run(&[&args[..], more].concat());
    let took = begun.elapsed();
    let text = String::from_utf8(output.stdout).unwrap();
    let times = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        Timestamp::parse(line["event"]["event_timestamp"].as_str().unwrap()).unwrap()
    });
    let times: Vec<Timestamp> = times.collect();
    assert_eq!(times.len(), 12_600);
    (
        *times.iter().min().unwrap(),
        *times.iter().max().unwrap(),
        took,
    )
}

#[test]
fn a_history_is_written_at_once_and_the_present_when_it_is_due() {
    let before = client::now_ms();
    let (first, last, took) = a_minute_and_more(&[]);
    let after = client::now_ms();
    let begins_ms = first.as_millis() - (before - 60_000);
    assert!(
        (0..10_000).contains(&begins_ms),
        "began {begins_ms} ms late"
    );
    assert!(last.as_millis() <= after, "{last} is in the future");
    assert!(last.as_millis() > before, "{last} is in the history");
    let lived = Duration::from_millis((last.as_millis() - first.as_millis()).unsigned_abs());
    assert!(took < lived, "{lived:?} of world time took {took:?}");
}

#[test]
fn a_speed_limits_how_fast_a_history_is_written() {
    let (first, last, took) = a_minute_and_more(&["--speed", "20"]);
    let lived = Duration::from_millis((last.as_millis() - first.as_millis()).unsigned_abs());
    // The last events are as old as their delay of at most 1.5 s when they are written.
    assert!(
        took.mul_f64(20.0) >= lived - Duration::from_secs(2),
        "{lived:?} in {took:?}"
    );
    assert!(took < lived, "{lived:?} of world time took {took:?}");
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let refused = |args: &[&str], advice: &str| {
        let output = harness::try_run(&[&["generate"], args].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{args:?}");
        assert!(error.contains(advice), "{args:?}: {error}");
        assert!(output.stdout.is_empty(), "{args:?}");
    };
    refused(
        &["--stdout", "--speed", "60"],
        "give --backfill or --start too",
    );
    refused(
        &["--stdout", "--backfill", "1h", "--speed", "0.5"],
        "--speed is `0.5`: give a number from 1 to",
    );
    refused(
        &["--stdout", "--backfill", "0s"],
        "give a time from 1s to 366days",
    );
    refused(
        &["--backfill", "1h", "--start", "2026-01-01T00:00:00Z"],
        "cannot be used with",
    );
    refused(
        &["--stdout", "--serve", "127.0.0.1:0"],
        "cannot be used with",
    );
}
