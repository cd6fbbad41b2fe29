//! Tests that each record is processed with the version that applies at its offset, in whatever order records
//! arrive and wherever a restart happens.

use std::collections::BTreeMap;

use client::{Offset, Partition};
use model::fold::SourceRecord;
use model::keyed_process::FactsOf;
use model::{Fold, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::output::revisions::Row;
use crate::pipeline::{Arrived, Pipeline};
use crate::testing::offsets;
use crate::windows::{AnyWindows, Bounds, Due, KeyedProcesses};

const PARTITIONS: usize = 2;

fn params(every: u64, version: u32) -> Params {
    [
        ("every", every.to_string()),
        (RULE_VERSION, version.to_string()),
    ]
    .into_iter()
    .collect()
}

fn keyed(every: u64) -> Pipeline {
    let bounds = Bounds {
        partitions: PARTITIONS,
        allowed_lateness_ms: 0,
        entries_max: usize::MAX,
        early: false,
    };
    let processes = KeyedProcesses::<Every<true>>::new(&params(every, 1), bounds);
    Pipeline::new(AnyWindows::Keyed(Box::new(
        processes.expect("good parameters"),
    )))
}

fn merge(keyed: &mut Pipeline, partition: u32, first_offset: i64, records: &[&str]) {
    let mut fold =
        Fold::<FactsOf<Every<true>>>::from_params(&params(1, 1)).expect("good parameters");
    let mut partial = Vec::new();
    let records = (first_offset..)
        .zip(records)
        .map(|(offset, value)| SourceRecord::new(offset, None, value.as_bytes()));
    fold.batch(records, &mut partial);
    let arrived = Arrived {
        partition: Partition(partition),
        replayed_to: Offset::ZERO,
    };
    let merged = keyed.merge(arrived, &partial).expect("a good partial");
    assert_eq!(merged.late, 0, "nothing is late in these tests");
}

/// Emits the rows that are due, each as `TIME KEY MARKS vVERSION`.
fn emit(keyed: &mut Pipeline, watermark: i64) -> Vec<String> {
    let rows = keyed
        .emit(Timestamp::from_millis(watermark), Due::CORRECTIONS, &[])
        .expect("emits");
    rows.iter().map(text).collect()
}

fn text(row: &Row) -> String {
    let json: serde_json::Value = serde_json::from_slice(&row.value).expect("a row is JSON");
    let start = json["window_start"].as_str().expect("a text");
    let time = Timestamp::parse(start).expect("a time").as_millis();
    format!(
        "{time} {} {} v{}",
        row.key, json["marks"], json["rule_version"]
    )
}

#[test]
fn a_record_goes_by_the_version_at_its_offset_and_not_by_the_one_of_the_moment() {
    let mut keyed = keyed(1);
    merge(&mut keyed, 0, 0, &["10 a", "30 a"]);
    // Version 2 is adopted while the first two records wait for the watermark.
    keyed
        .adopt(&params(1, 2), &offsets([2, 1]))
        .expect("taken up");
    merge(&mut keyed, 0, 2, &["20 a"]);
    merge(&mut keyed, 1, 0, &["25 a", "26 a"]);
    assert_eq!(
        emit(&mut keyed, 100),
        [
            "10 a 1 v1",
            "20 a 1 v2",
            "25 a 1 v1",
            "26 a 1 v2",
            "30 a 1 v1"
        ],
        "in the order of event time, each by its own partition and offset"
    );
}

#[test]
fn what_is_remembered_of_a_key_goes_on_under_the_next_version() {
    let mut keyed = keyed(3);
    merge(&mut keyed, 0, 0, &["1 a", "2 a"]);
    keyed
        .adopt(&params(4, 2), &offsets([2, 0]))
        .expect("taken up");
    merge(&mut keyed, 0, 2, &["3 a", "4 a", "5 a"]);
    keyed
        .adopt(&params(1, 3), &offsets([5, 0]))
        .expect("taken up");
    merge(&mut keyed, 0, 5, &["6 a", "7 a"]);
    assert_eq!(emit(&mut keyed, 100), ["4 a 4 v2", "6 a 2 v3", "7 a 1 v3"]);
}

#[test]
fn partitions_that_were_added_later_begin_with_the_newest_version() {
    let mut keyed = keyed(1);
    keyed.adopt(&params(1, 2), &offsets([3])).expect("taken up");
    merge(&mut keyed, 0, 2, &["1 a", "2 a"]);
    merge(&mut keyed, 1, 0, &["3 a"]);
    assert_eq!(emit(&mut keyed, 9), ["1 a 1 v1", "2 a 1 v2", "3 a 1 v2"]);
}

#[test]
fn a_restart_from_a_snapshot_goes_by_the_same_versions() {
    let mut before = keyed(2);
    merge(&mut before, 0, 0, &["10 a", "50 a", "10 b"]);
    before
        .adopt(&params(3, 2), &offsets([3, 0]))
        .expect("taken up");
    merge(&mut before, 0, 3, &["60 a", "11 b"]);
    assert_eq!(emit(&mut before, 20), Vec::<String>::new());
    let snapshot = before.snapshot().expect("a snapshot");
    let mut after = keyed(2);
    after
        .adopt(&params(3, 2), &offsets([3, 0]))
        .expect("taken up again");
    after.restore(&snapshot).expect("restored");
    for keyed in [&mut before, &mut after] {
        merge(keyed, 0, 5, &["70 a", "71 a", "12000 b"]);
        assert_eq!(
            emit(keyed, 20_000),
            ["50 a 2 v1", "71 a 3 v2", "12000 b 3 v2"]
        );
    }
}

/// The records of all partitions in the order in which they are merged, each as partition, time, key.
fn history() -> impl Strategy<Value = Vec<(u32, i64, u8)>> {
    let record = (0..PARTITIONS as u32, 0_i64..1_000, 0_u8..3);
    proptest::collection::vec(record, 1..60).prop_map(|mut records| {
        // Make the times unique, so that no two detections of a key begin at the same time.
        for (index, record) in (0..).zip(&mut records) {
            record.1 = record.1 * 100 + index;
        }
        records
    })
}

/// For each record, the version that applied when it was merged. `changes` contains the indices of the records before
/// which a new version was adopted.
fn versions_when_merged(records: usize, changes: &[usize]) -> Vec<u32> {
    let version = |index| 1 + changes.iter().filter(|change| **change <= index).count() as u32;
    (0..records).map(version).collect()
}

proptest! {
    /// With `every` at 1, each record causes a detection, which must contain the version that was newest when the
    /// record was merged. The test computes the expected versions from the merge order alone, without offsets.
    #[test]
    fn versions_hold_from_the_moment_on_and_survive_restarts(
        records in history(),
        changes in proptest::collection::vec(0_usize..60, 0..4),
        restart in 0_usize..60,
    ) {
        let mut running = keyed(1);
        let mut adopted: Vec<(u32, Vec<Offset>)> = Vec::new();
        let mut next = vec![Offset::ZERO; PARTITIONS];
        for (index, (partition, time, key)) in records.iter().enumerate() {
            for _ in changes.iter().filter(|change| **change == index) {
                let version = adopted.len() as u32 + 2;
                running.adopt(&params(1, version), &next).expect("taken up");
                adopted.push((version, next.clone()));
            }
            if index == restart {
                let snapshot = running.snapshot().expect("a snapshot");
                running = keyed(1);
                for (version, from) in &adopted {
                    running.adopt(&params(1, *version), from).expect("taken up again");
                }
                running.restore(&snapshot).expect("restored");
            }
            let next = &mut next[*partition as usize];
            merge(&mut running, *partition, next.0, &[&format!("{time} {key}")]);
            *next = next.next();
        }
        let versions = versions_when_merged(records.len(), &changes);
        let expected: BTreeMap<i64, String> = records
            .iter()
            .zip(versions)
            .map(|((_, time, key), version)| (*time, format!("{time} {key} 1 v{version}")))
            .collect();
        prop_assert_eq!(emit(&mut running, i64::MAX / 2), expected.into_values().collect::<Vec<_>>());
    }
}

/// All rows of 40 records, merged in batches of `step`. After each batch the watermark advances to the time of the
/// batch's last record.
fn in_steps_of(step: usize) -> Vec<(String, Vec<u8>)> {
    let values: Vec<String> = (0..40).map(|n| format!("{} {}", n * 10, n % 3)).collect();
    let records: Vec<_> = (0..)
        .zip(&values)
        .map(|(offset, value)| SourceRecord::new(offset, None, value.as_bytes()))
        .collect();
    let mut offline = registration()
        .offline(&params(2, 1), 1)
        .expect("good parameters");
    offline.adopt(&params(3, 2)).expect("taken up");
    let mut rows = Vec::new();
    for batch in records.chunks(step) {
        let header = offline.batch(Partition(0), batch.iter().copied());
        let time = header.stream_time.expect("there are events");
        rows.extend(offline.advance(time).expect("rows"));
    }
    assert_eq!(offline.late(), 0);
    rows.extend(offline.finish().expect("rows"));
    rows
}

#[test]
fn a_trial_in_steps_says_what_all_at_once_says() {
    let at_once = in_steps_of(40);
    assert_eq!(at_once.len(), 12, "every third of 14, 13 and 13 records");
    for (_, row) in &at_once {
        let row: serde_json::Value = serde_json::from_slice(row).expect("a row is JSON");
        assert_eq!(
            (&row["marks"], &row["rule_version"]),
            (&3.into(), &2.into())
        );
    }
    for step in [1, 7, 39] {
        assert_eq!(in_steps_of(step), at_once, "in steps of {step}");
    }
}

#[test]
fn what_a_trial_has_gone_past_is_late() {
    let mut offline = registration()
        .offline(&params(1, 1), 1)
        .expect("good parameters");
    let record = |offset, value: &'static str| SourceRecord::new(offset, None, value.as_bytes());
    offline.batch(Partition(0), [record(0, "10 a")].into_iter());
    let rows = offline.advance(Timestamp::from_millis(11)).expect("rows");
    offline.batch(
        Partition(0),
        [record(1, "9 a"), record(2, "11 a")].into_iter(),
    );
    assert_eq!((rows.len(), offline.late()), (1, 1));
    assert_eq!(offline.finish().expect("rows").len(), 1);
}
