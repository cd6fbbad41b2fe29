//! Tests of windows whose rows are computed from all keys together: which rows are written, and which are withdrawn.

use super::*;
use crate::output::prior::PriorRow;
use crate::testing::RankedTicks;

const PARAMS: &[(&str, &str)] = &[("window_ms", "10000")];

fn early(bounds: Bounds) -> Bounds {
    Bounds {
        early: true,
        ..bounds
    }
}

fn windows(bounds: Bounds) -> Pipeline {
    corrected(Panes::new(RankedTicks, 10_000, 10_000, bounds))
}

fn merge(windows: &mut Pipeline, first_offset: i64, records: &[&str]) {
    merge_with::<RankedTicks>(windows, PARAMS, (0, first_offset), records);
}

/// Emits early rows.
fn emit_early(windows: &mut Pipeline, watermark: i64) -> Vec<Row> {
    let due = Due {
        corrections: false,
        early: true,
    };
    let rows = windows.emit(at(watermark), due, &offsets([7]));
    rows.expect("emits")
}

/// The output of an earlier runner that has written these rows.
fn prior(rows: &[Row]) -> PriorOutput {
    let mut prior = PriorOutput::after(&offsets([0]));
    for row in rows {
        let json: Value = serde_json::from_slice(&row.value).expect("JSON");
        let written = PriorRow {
            window_end: row.window.end,
            revision: row.revision,
            withdrawn: json["withdrawn"] == true,
            is_early: row.is_early,
            value: row.value.clone(),
        };
        prior.add_row(row.window.start, row.key.clone(), written);
    }
    prior
}

#[test]
fn only_ranks_that_change_are_written_again() {
    let mut windows = windows(bounds(1));
    merge(
        &mut windows,
        0,
        &["1 a 1", "2 b 1", "3 b 2", "4 b 3", "5 c 1"],
    );
    assert_eq!(
        rows(&mut windows, 10_000),
        ["0..10000 1 1+2+3 r0", "0..10000 2 1 r0"]
    );
    merge(&mut windows, 5, &["6 c 2", "6 c 3"]);
    assert_eq!(rows(&mut windows, 10_000), ["0..10000 2 1+2+3 r1"]);
    merge(&mut windows, 7, &["7 d 1"]);
    assert!(rows(&mut windows, 10_000).is_empty(), "`d` has no rank");
}

#[test]
fn a_rank_that_is_gone_is_withdrawn_and_can_come_back() {
    let mut windows = windows(bounds(1));
    merge(&mut windows, 0, &["1 a 1", "2 b 1"]);
    assert_eq!(rows(&mut windows, 10_000).len(), 2);
    merge(&mut windows, 2, &["3 a 2"]);
    assert_eq!(
        rows(&mut windows, 10_000),
        ["0..10000 1 1 r1", "0..10000 2  r1 -"]
    );
    merge(&mut windows, 3, &["4 b 2"]);
    assert_eq!(rows(&mut windows, 10_000), ["0..10000 1  r2 -"]);
    merge(&mut windows, 4, &["5 c 4"]);
    assert_eq!(rows(&mut windows, 10_000), ["0..10000 1 4 r3"]);
}

#[test]
fn panes_of_a_hopping_window_are_ranked_together() {
    let mut windows = corrected(Panes::new(RankedTicks, 12_000, 4_000, bounds(1)));
    let params = &[("window_ms", "12000"), ("hop_ms", "4000")];
    let records = ["1 a 1", "4000 a 2", "8000 a 3", "8000 b 7"];
    merge_with::<RankedTicks>(&mut windows, params, (0, 0), &records);
    assert_eq!(
        rows(&mut windows, 12_000),
        [
            "-8000..4000 1 1 r0",
            "0..12000 1 1+2+3 r0",
            "0..12000 2 7 r0"
        ]
    );
    merge_with::<RankedTicks>(&mut windows, params, (0, 4), &["4000 b 8"]);
    assert_eq!(
        rows(&mut windows, 16_000),
        ["-4000..8000 1 8 r0", "0..12000 2  r1 -"],
        "from 0 on, `b` has two values"
    );
}

#[test]
fn early_rows_are_withdrawn_by_the_next_runner_as_soon_as_it_emits() {
    let mut first = windows(early(bounds(1)));
    merge(&mut first, 0, &["1 a 1", "2 b 1"]);
    let written = emit_early(&mut first, 5_000);
    assert_eq!(written.len(), 2);
    assert!(emit_early(&mut first, 5_000).is_empty(), "once");

    let mut next = windows(early(bounds(1)));
    next.resume(None, None, prior(&written));
    merge(&mut next, 0, &["1 a 1", "2 b 1"]);
    assert!(emit_early(&mut next, 5_000).is_empty(), "written before");
    merge(&mut next, 2, &["3 b 2"]);
    let rows = emit_early(&mut next, 5_000);
    let texts: Vec<_> = rows.iter().map(said).collect();
    assert_eq!(texts, ["0..10000 2  r1 -"]);
}

#[test]
fn rows_of_windows_without_events_are_withdrawn_when_they_are_forgotten() {
    let mut first = windows(bounds(1));
    merge(&mut first, 0, &["1 a 1"]);
    let emitted = first.emit(at(10_000), Due::CORRECTIONS, &offsets([7]));
    let written = emitted.expect("emits");
    let mut next = windows(bounds(1));
    next.resume(None, None, prior(&written));
    assert!(rows(&mut next, 10_000).is_empty());
    let forgotten = 10_000 + ALLOWED_LATENESS_MS;
    assert_eq!(rows(&mut next, forgotten), ["0..10000 1  r1 -"]);
}
