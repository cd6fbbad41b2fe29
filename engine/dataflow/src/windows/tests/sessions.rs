//! Tests of sessions that are joined, extended, completed and withdrawn.

use super::*;
use crate::output::prior::PriorRow;
use crate::testing::{LAST_VALUE, SessionTicks};

const GAP_MS: i64 = 1_000;
const PARAMS: &[(&str, &str)] = &[("gap_ms", "1000")];

fn sessions() -> Pipeline {
    corrected(Sessions::new(SessionTicks, GAP_MS, bounds(2)))
}

fn merge(sessions: &mut Pipeline, first_offset: i64, records: &[&str]) -> Merged {
    merge_with::<SessionTicks>(sessions, PARAMS, (0, first_offset), records)
}

fn prior(rows: &[Row], starts: &[i64]) -> PriorOutput {
    let mut prior = PriorOutput::after(&offsets([3]));
    for (row, start) in rows.iter().zip(starts) {
        let written = PriorRow {
            window_end: row.window.end,
            revision: row.revision,
            withdrawn: false,
            is_early: false,
            value: row.value.clone(),
        };
        prior.add_row(at(*start), row.key.clone(), written);
    }
    prior
}

#[test]
fn a_session_is_over_when_nothing_can_belong_to_it() {
    let mut sessions = sessions();
    merge(
        &mut sessions,
        0,
        &["0 a 1", "1000 a 2", "2001 a 3", "500 b 1"],
    );
    assert!(rows(&mut sessions, 1_500).is_empty());
    assert_eq!(rows(&mut sessions, 1_501), ["500..501 b 1 r0"]);
    assert!(rows(&mut sessions, 2_000).is_empty());
    assert_eq!(rows(&mut sessions, 2_001), ["0..1001 a 1+2 r0"]);
    assert_eq!(rows(&mut sessions, 9_000), ["2001..2002 a 3 r0"]);
    assert!(rows(&mut sessions, 9_000).is_empty(), "once");
}

#[test]
fn an_event_between_two_sessions_makes_them_one_and_withdraws_the_later() {
    let mut sessions = sessions();
    merge(&mut sessions, 0, &["0 a 1", "2000 a 2", "2000 b 2"]);
    assert_eq!(rows(&mut sessions, 5_000).len(), 3);
    merge(&mut sessions, 3, &["1000 a 3"]);
    assert_eq!(
        rows(&mut sessions, 5_000),
        ["0..2001 a 1+2+3 r1", "2000..2001 a  r1 -"]
    );
    assert!(rows(&mut sessions, 9_000).is_empty());
}

#[test]
fn a_session_that_begins_earlier_than_it_seemed_is_another_one() {
    let mut sessions = sessions();
    merge(&mut sessions, 0, &["2000 a 1"]);
    assert_eq!(rows(&mut sessions, 3_001), ["2000..2001 a 1 r0"]);
    merge(&mut sessions, 1, &["1500 a 2"]);
    assert_eq!(
        rows(&mut sessions, 3_001),
        ["1500..2001 a 1+2 r0", "2000..2001 a  r1 -"]
    );
}

#[test]
fn a_session_that_is_complete_does_not_wait_and_may_go_on() {
    let mut sessions = sessions();
    let last = format!("1000 a {LAST_VALUE}");
    merge(&mut sessions, 0, &["0 a 1", &last]);
    assert!(rows(&mut sessions, 1_000).is_empty());
    assert_eq!(rows(&mut sessions, 1_001), ["0..1001 a 1+11 r0"]);
    merge(&mut sessions, 2, &["2000 a 2"]);
    assert_eq!(rows(&mut sessions, 2_001), ["0..2001 a 1+11+2 r1"]);
}

#[test]
fn corrections_wait_unless_it_is_their_last_chance() {
    let mut sessions = sessions();
    merge(&mut sessions, 0, &["0 a 1"]);
    rows(&mut sessions, 1_001);
    merge(&mut sessions, 1, &["1 a 2"]);
    let mut gathered = |watermark| {
        let rows = sessions
            .emit(at(watermark), Due::default(), &offsets([7]))
            .expect("emits");
        rows.iter().map(said).collect::<Vec<_>>()
    };
    let forgotten_at = 2 + 2 * GAP_MS + ALLOWED_LATENESS_MS;
    assert!(gathered(forgotten_at - 1).is_empty());
    assert_eq!(gathered(forgotten_at), ["0..2 a 1+2 r1"]);
}

#[test]
fn an_event_is_late_unless_it_goes_on_what_is_in_memory() {
    let mut sessions = sessions();
    merge(&mut sessions, 0, &["1500 a 1", "2500 a 1", "3500 a 1"]);
    sessions.retire(at(3_000 + ALLOWED_LATENESS_MS));
    for (record, late) in [
        ("1999 b 1", 1),
        ("2000 c 1", 0),
        ("1400 a 2", 1),
        ("1600 a 2", 0),
        ("3400 a 3", 0),
    ] {
        assert_eq!(merge(&mut sessions, 9, &[record]).late, late, "{record}");
    }
    assert!(sessions.has_prior_late());
    sessions.snapshotted(&offsets([0]));
    assert!(!sessions.has_prior_late(), "no restart reads it again");
}

#[test]
fn repeated_events_are_found_when_sessions_are_joined() {
    let mut sessions = sessions();
    let first = merge(&mut sessions, 0, &["0 a 1", "1 a 1", "2000 a 1"]);
    assert_eq!(first.duplicate, 1);
    assert_eq!(merge(&mut sessions, 3, &["1000 a 2"]).duplicate, 1);
}

#[test]
fn a_session_for_which_there_is_no_room_is_refused() {
    let bounds = Bounds {
        entries_max: 1,
        early: false,
        ..bounds(1)
    };
    let mut sessions = corrected(Sessions::new(SessionTicks, GAP_MS, bounds));
    let merged = merge(&mut sessions, 0, &["0 a 1", "500 b 1", "900 a 2"]);
    assert_eq!((merged.late, sessions.len()), (1, 1));
    assert_eq!(merged.late_places[0].cause, Cause::NoRoom);
    assert!(sessions.has_prior_late());
    let again = Arrived {
        partition: Partition(0),
        replayed_to: Offset(4),
    };
    let partial = partial_with::<SessionTicks>(PARAMS, 3, &["500 b 1"]);
    sessions.merge(again, &partial).expect("a good partial");
    assert_eq!(sessions.len(), 2, "what was taken in before is again");
}

#[test]
fn a_snapshot_holds_sessions_with_their_events_and_where_they_come_from() {
    let mut before = sessions();
    merge(&mut before, 5, &["0 a 1", "1 a 1", "5000 a 1"]);
    let mut after = sessions();
    let snapshot = before.snapshot().expect("encodes");
    after.restore(&snapshot).expect("decodes");
    assert_eq!((rewind(&after, 0), rewind(&after, 1)), (Some(5), None));
    assert_eq!(merge(&mut after, 8, &["500 a 1"]).duplicate, 1);
    assert_eq!(
        rows(&mut after, 9_000),
        ["0..501 a 1 r0", "5000..5001 a 1 r0"]
    );
}

/// After the restart, the beginning of a long session is merged first. By itself, it would be a session that ended too
/// long ago to be extended.
#[test]
fn a_restart_makes_a_long_session_whole_again() {
    for snapshot in [false, true] {
        let mut before = sessions();
        merge(&mut before, 0, &["0 a 1", "900 a 2"]);
        let taken = before.snapshot().expect("encodes");
        let mut after = sessions();
        if snapshot {
            after.restore(&taken).expect("decodes");
        }
        after.resume(
            Some(at(4_000 + ALLOWED_LATENESS_MS)),
            None,
            PriorOutput::after(&offsets([0])),
        );
        let again = Arrived {
            partition: Partition(0),
            replayed_to: Offset(4),
        };
        for (offset, records) in [
            (0, &["0 a 1", "900 a 2"][..]),
            (2, &["1800 a 3", "2700 a 4"]),
        ] {
            if !snapshot || offset > 0 {
                let partial = partial_with::<SessionTicks>(PARAMS, offset, records);
                after.merge(again, &partial).expect("a good partial");
            }
        }
        assert_eq!(
            rows(&mut after, 4_000 + ALLOWED_LATENESS_MS),
            ["0..2701 a 1+2+3+4 r0"]
        );
    }
}

#[test]
fn an_earlier_row_is_withdrawn_once_where_its_session_has_become_part_of_another() {
    let mut before = sessions();
    merge(&mut before, 0, &["0 a 1", "2000 a 2"]);
    let written = before
        .emit(at(5_000), Due::CORRECTIONS, &offsets([3]))
        .expect("emits");
    let mut after = sessions();
    after.resume(None, None, prior(&written, &[0, 2_000]));
    merge(&mut after, 0, &["0 a 1"]);
    merge(&mut after, 1, &["2000 a 2"]);
    merge(&mut after, 2, &["1000 a 3"]);
    assert_eq!(
        rows(&mut after, 5_000),
        ["0..2001 a 1+2+3 r1", "2000..2001 a  r1 -"]
    );
    assert_eq!(
        after.derived_from(&offsets([9])),
        offsets([3]),
        "where the rows begin"
    );
    let forgotten_at = 2_001 + 2 * GAP_MS + ALLOWED_LATENESS_MS;
    assert!(rows(&mut after, forgotten_at).is_empty(), "once");
    after.retire(at(forgotten_at));
    assert_eq!(after.derived_from(&offsets([9])), offsets([9]));
}

#[test]
fn an_earlier_row_that_no_session_accounts_for_is_withdrawn_at_last() {
    let mut before = sessions();
    merge(&mut before, 0, &["0 a 1"]);
    let written = before
        .emit(at(5_000), Due::CORRECTIONS, &offsets([3]))
        .expect("emits");
    let mut after = sessions();
    after.resume(None, None, prior(&written, &[0]));
    let forgotten_at = 1 + 2 * GAP_MS + ALLOWED_LATENESS_MS;
    assert!(rows(&mut after, forgotten_at - 1).is_empty());
    assert_eq!(rows(&mut after, forgotten_at), ["0..1 a  r1 -"]);
}

#[test]
fn a_joined_session_is_looked_for_from_the_first_of_its_rows_on() {
    let mut sessions = sessions();
    merge(&mut sessions, 0, &["0 a 1", "2000 a 2"]);
    for (watermark, end) in [(1_001, 3), (3_001, 5)] {
        let rows = sessions
            .emit(at(watermark), Due::CORRECTIONS, &offsets([end]))
            .expect("emits");
        assert_eq!(rows.len(), 1);
    }
    merge(&mut sessions, 2, &["1000 a 3"]);
    assert_eq!(sessions.derived_from(&offsets([9])), offsets([3]));
}

#[test]
fn a_session_that_is_shorter_than_its_earlier_row_is_emitted_and_forgotten_for_good() {
    let mut before = sessions();
    merge(&mut before, 0, &["0 a 1", "1000 a 2"]);
    let written = before
        .emit(at(5_000), Due::CORRECTIONS, &offsets([3]))
        .expect("emits");
    let mut after = sessions();
    after.resume(None, None, prior(&written, &[0]));
    merge(&mut after, 0, &["0 a 1"]);
    assert_eq!(rows(&mut after, 5_000), ["0..1 a 1 r1"]);
    after.retire(at(1 + 2 * GAP_MS + ALLOWED_LATENESS_MS));
    let of_the_earlier_row = 1_001 + 2 * GAP_MS + ALLOWED_LATENESS_MS;
    assert!(rows(&mut after, of_the_earlier_row).is_empty());
}
