//! Tests of tumbling windows: closing, corrections, and what a restart restores.

use super::*;
use crate::output::prior::PriorRow;
use crate::testing::{CountTicks, partial};

const FIRST: Window = Window {
    start: Timestamp::from_millis(0),
    end: Timestamp::from_millis(10_000),
};

fn windows(partitions: usize) -> Pipeline {
    corrected(Panes::new(CountTicks, 10_000, 10_000, bounds(partitions)))
}

fn merge(windows: &mut Pipeline, partition: u32, first_offset: i64, records: &[&str]) -> Merged {
    let arrived = Arrived {
        partition: Partition(partition),
        replayed_to: Offset(0),
    };
    windows
        .merge(arrived, &partial(first_offset, records))
        .expect("a good partial")
}

fn prior_row(value: Vec<u8>) -> PriorRow {
    PriorRow {
        window_end: FIRST.end,
        revision: 0,
        withdrawn: false,
        is_early: false,
        value,
    }
}

/// Emits the rows that are due, each as `START KEY COUNT rREVISION`. Sorts the rows of each window by key.
fn emit(windows: &mut Pipeline, watermark: i64) -> Vec<String> {
    let mut rows = windows
        .emit(at(watermark), Due::CORRECTIONS, &offsets([7]))
        .expect("emits");
    assert!(rows.is_sorted_by_key(|row| row.window.start));
    rows.sort_by_key(|row| (row.window.start, row.key.clone()));
    rows.iter().map(text).collect()
}

fn text(row: &Row) -> String {
    let json: serde_json::Value = serde_json::from_slice(&row.value).expect("a row is JSON");
    let start = Timestamp::parse(json["window_start"].as_str().expect("a text"))
        .expect("a time")
        .as_millis();
    format!(
        "{start} {} {} r{}",
        row.key, json["count"], json["revision"]
    )
}

#[test]
fn windows_close_in_order_when_their_end_is_reached() {
    let mut windows = windows(2);
    merge(&mut windows, 0, 0, &["12000 b", "1000 b", "9999 a"]);
    merge(&mut windows, 1, 0, &["1 b", "20000 a"]);
    assert!(emit(&mut windows, 9_999).is_empty());
    assert_eq!(emit(&mut windows, 10_000), ["0 a 1 r0", "0 b 2 r0"]);
    assert_eq!(emit(&mut windows, 25_000), ["10000 b 1 r0"]);
    assert!(emit(&mut windows, 25_000).is_empty(), "once");
}

#[test]
fn a_row_is_json_with_its_window_and_revision() {
    let mut windows = windows(1);
    merge(&mut windows, 0, 0, &["1 a"]);
    let rows = windows
        .emit(at(10_000), Due::default(), &offsets([0]))
        .expect("emits");
    let expected = concat!(
        r#"{"window_start":"1970-01-01T00:00:00.000Z","window_end":"1970-01-01T00:00:10.000Z","#,
        r#""count":1,"revision":0}"#
    );
    assert_eq!(String::from_utf8_lossy(&rows[0].value), expected);
}

#[test]
fn late_events_correct_a_window_until_the_allowed_lateness_is_over() {
    let mut windows = windows(1);
    merge(&mut windows, 0, 0, &["1 a", "1 b"]);
    assert_eq!(emit(&mut windows, 10_000), ["0 a 1 r0", "0 b 1 r0"]);
    assert_eq!(merge(&mut windows, 0, 2, &["2 a"]).late, 0);
    assert!(
        windows
            .emit(at(10_000), Due::default(), &offsets([7]))
            .expect("emits")
            .is_empty(),
        "corrections are gathered"
    );
    assert_eq!(
        emit(&mut windows, 10_000),
        ["0 a 2 r1"],
        "only what has changed"
    );
    windows.retire(at(10_000 + ALLOWED_LATENESS_MS - 1));
    assert_eq!(merge(&mut windows, 0, 3, &["3 a"]).late, 0);
    let last_chance = windows
        .emit(
            at(10_000 + ALLOWED_LATENESS_MS),
            Due::default(),
            &offsets([7]),
        )
        .expect("emits");
    assert_eq!(
        last_chance.iter().map(text).collect::<Vec<_>>(),
        ["0 a 3 r2"]
    );
    windows.retire(at(10_000 + ALLOWED_LATENESS_MS));
    let late = merge(&mut windows, 0, 4, &["4 a", "5 b", "70000 a"]);
    assert_eq!(
        (late.late, late.late_places),
        (
            2,
            ["a", "b"]
                .map(|key| LatePlace {
                    window: FIRST,
                    key: RecordKey::from(key),
                    cause: Cause::Late
                })
                .to_vec()
        )
    );
    assert_eq!(emit(&mut windows, 80_000), ["70000 a 1 r0"]);
}

#[test]
fn a_restart_needs_the_source_from_the_first_offset_of_a_window_in_memory() {
    let mut windows = windows(2);
    assert_eq!(rewind(&windows, 0), None);
    merge(&mut windows, 0, 0, &["1000 a"]);
    merge(&mut windows, 0, 1, &["11000 a", "2000 a"]);
    merge(&mut windows, 0, 3, &["12000 a"]);
    merge(&mut windows, 1, 7, &["12000 a"]);
    assert_eq!(
        (rewind(&windows, 0), rewind(&windows, 1)),
        (Some(0), Some(7))
    );
    windows.retire(at(10_000 + ALLOWED_LATENESS_MS));
    assert_eq!(
        (rewind(&windows, 0), rewind(&windows, 1)),
        (Some(1), Some(7))
    );
    windows.retire(at(20_000 + ALLOWED_LATENESS_MS));
    assert_eq!((rewind(&windows, 0), windows.len()), (None, 0));
}

#[test]
fn rows_of_an_earlier_runner_are_not_written_again_unless_they_differ() {
    let mut before = windows(1);
    merge(&mut before, 0, 0, &["1 a", "1 b"]);
    let rows = before
        .emit(at(10_000), Due::CORRECTIONS, &offsets([3]))
        .expect("emits");
    let mut prior = PriorOutput::after(&offsets([3]));
    for row in rows {
        prior.add_row(at(0), row.key, prior_row(row.value));
    }
    let mut after = windows(1);
    after.resume(Some(at(10_000)), None, prior);
    merge(&mut after, 0, 0, &["1 a", "1 b", "2 b", "3 c"]);
    assert_eq!(emit(&mut after, 10_000), ["0 b 2 r1", "0 c 1 r0"]);
    assert_eq!(
        after.derived_from(&offsets([9])),
        offsets([3]),
        "the next restart reads from where the first row is"
    );
    after.retire(at(10_000 + ALLOWED_LATENESS_MS));
    assert_eq!(after.derived_from(&offsets([9])), offsets([9]));
}

#[test]
fn rows_whose_source_is_lost_stay_as_they_are() {
    for lost in [false, true] {
        let mut prior = PriorOutput::after(&offsets([0]));
        for key in ["a", "b"] {
            let row = prior_row(b"an earlier row".to_vec());
            prior.add_row(at(0), key.to_owned(), row);
        }
        let mut windows = windows(1);
        windows.resume(None, None, prior);
        if lost {
            merge(&mut windows, 0, 5, &[]);
        }
        merge(&mut windows, 0, 5, &["1 a", "1 c"]);
        let expected: &[&str] = match lost {
            true => &["0 c 1 r0"],
            false => &["0 a 1 r1", "0 b 0 r1", "0 c 1 r0"],
        };
        assert_eq!(emit(&mut windows, 10_000 + ALLOWED_LATENESS_MS), expected);
    }
}

#[test]
fn what_was_late_before_a_restart_stays_late() {
    let mut prior = PriorOutput::default();
    prior.add_late(late(5, 9_000, None));
    prior.add_late(late(6, 10_000, Some(RecordKey::from("b"))));
    let mut windows = windows(1);
    windows.resume(Some(at(1_000)), None, prior);
    assert_eq!(
        merge(&mut windows, 0, 4, &["9000 a", "8000 b", "10000 a"]).late,
        2
    );
    assert_eq!(
        merge(&mut windows, 0, 7, &["9000 a"]).late,
        0,
        "another batch"
    );
}

#[test]
fn a_batch_that_was_counted_before_a_restart_is_merged_but_not_counted() {
    let mut windows = windows(1);
    windows.retire(at(70_000));
    let read_again = Arrived {
        partition: Partition(0),
        replayed_to: Offset(7),
    };
    let merged = windows
        .merge(read_again, &partial(5, &["9000 a", "70000 a"]))
        .expect("a good partial");
    assert_eq!(
        (merged.late, merged.late_places.len(), windows.len()),
        (0, 0, 1)
    );
}

#[test]
fn foreign_bytes_are_an_error() {
    let arrived = Arrived {
        partition: Partition(0),
        replayed_to: Offset(0),
    };
    for bytes in [&b""[..], b"\x01", b"\x09abc", b"{\"json\":1}"] {
        assert!(windows(1).merge(arrived, bytes).is_err(), "{bytes:?}");
    }
}
