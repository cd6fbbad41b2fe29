//! Tests of hopping windows: each event counts in every window that contains it.

use super::*;
use crate::testing::DistinctTicks;

const PARAMS: &[(&str, &str)] = &[("window_ms", "12000"), ("hop_ms", "4000")];

fn windows(bounds: Bounds) -> Pipeline {
    corrected(Panes::new(DistinctTicks::<false>, 12_000, 4_000, bounds))
}

fn merge(windows: &mut Pipeline, first_offset: i64, records: &[&str]) -> Merged {
    merge_with::<DistinctTicks<false>>(windows, PARAMS, (0, first_offset), records)
}

#[test]
fn an_event_is_in_each_window_that_covers_it() {
    let mut windows = windows(bounds(1));
    merge(&mut windows, 0, &["3999 a 1", "4000 a 2", "4000 b 1"]);
    assert!(rows(&mut windows, 3_999).is_empty());
    assert_eq!(rows(&mut windows, 4_000), ["-8000..4000 a 1 r0"]);
    assert_eq!(
        rows(&mut windows, 12_000),
        [
            "-4000..8000 a 1+2 r0",
            "-4000..8000 b 1 r0",
            "0..12000 a 1+2 r0",
            "0..12000 b 1 r0"
        ]
    );
    assert_eq!(
        rows(&mut windows, 100_000),
        ["4000..16000 a 2 r0", "4000..16000 b 1 r0"]
    );
}

#[test]
fn windows_of_an_earlier_pane_are_there_whichever_comes_first() {
    let mut windows = windows(bounds(1));
    merge(&mut windows, 0, &["9000 a 2"]);
    merge(&mut windows, 1, &["5000 a 1"]);
    assert_eq!(
        rows(&mut windows, 24_000),
        [
            "-4000..8000 a 1 r0",
            "0..12000 a 1+2 r0",
            "4000..16000 a 1+2 r0",
            "8000..20000 a 2 r0"
        ]
    );
}

#[test]
fn a_late_event_corrects_those_of_its_windows_that_are_not_forgotten() {
    let mut windows = windows(bounds(1));
    merge(&mut windows, 0, &["1000 a 1"]);
    rows(&mut windows, 12_000);
    windows.retire(at(8_000 + ALLOWED_LATENESS_MS));
    let merged = merge(&mut windows, 1, &["3000 a 2", "3000 b 2", "-1 a 3"]);
    assert_eq!(merged.late, 1, "its last window ends at 8000");
    assert_eq!(
        rows(&mut windows, 12_000),
        ["0..12000 a 1+2 r1", "0..12000 b 2 r0"]
    );
}

#[test]
fn repeated_values_are_duplicates_within_a_pane() {
    let mut windows = windows(bounds(1));
    let merged = merge(&mut windows, 0, &["1 a 1", "2 a 1", "4000 a 1"]);
    assert_eq!(merged.duplicate, 1);
    assert_eq!(merge(&mut windows, 3, &["5000 a 1"]).duplicate, 1);
}

#[test]
fn keys_without_room_are_counted_together() {
    let mut windows = windows(Bounds {
        entries_max: 2,
        early: false,
        ..bounds(1)
    });
    let merged = merge(
        &mut windows,
        0,
        &["1 a 1", "1 b 1", "1 c 1", "2 d 2", "3 b 3"],
    );
    assert_eq!((merged.late, merged.duplicate), (0, 0));
    assert_eq!(
        rows(&mut windows, 4_000),
        [
            "-8000..4000 * 1+2 r0",
            "-8000..4000 a 1 r0",
            "-8000..4000 b 1+3 r0"
        ]
    );
}

#[test]
fn a_snapshot_holds_panes_with_their_events_and_where_they_come_from() {
    let mut before = windows(bounds(1));
    merge(&mut before, 5, &["1000 a 1", "1000 a 1", "6000 b 1"]);
    let mut after = windows(bounds(2));
    after
        .restore(&before.snapshot().expect("encodes"))
        .expect("decodes");
    assert_eq!(
        (rewind(&after, 0), rewind(&after, 1), after.len()),
        (Some(5), None, before.len())
    );
    let merged = merge(&mut after, 8, &["1000 a 1", "1000 a 2"]);
    assert_eq!(merged.duplicate, 1, "one was known before");
    assert_eq!(
        rows(&mut after, 8_000),
        [
            "-8000..4000 a 1+2 r0",
            "-4000..8000 a 1+2 r0",
            "-4000..8000 b 1 r0"
        ]
    );
}

/// Emitting a row leaves a slot for the row's key, without events, in the first pane of the row's window.
#[test]
fn a_window_has_no_row_of_a_key_of_later_panes_after_a_restart() {
    let mut before = windows(bounds(1));
    merge(&mut before, 0, &["1000 a 1", "8000 b 1"]);
    rows(&mut before, 12_000);
    let mut after = windows(bounds(1));
    after
        .restore(&before.snapshot().expect("encodes"))
        .expect("decodes");
    let said = rows(&mut after, 8_000);
    assert_eq!(said, ["-8000..4000 a 1 r0", "-4000..8000 a 1 r0"]);
}
