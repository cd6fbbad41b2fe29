//! Tests of keyed processes: events in order, timers between them, and detections of an earlier runner.

use super::*;
use crate::output::prior::PriorRow;
use crate::testing::FollowedTicks;
use model::keyed_process::FactsOf;

fn keyed(entries_max: usize) -> Pipeline {
    let bounds = Bounds {
        entries_max,
        early: false,
        ..bounds(2)
    };
    let processes = KeyedProcesses::<FollowedTicks>::new(&model::Params::default(), bounds);
    Pipeline::new(AnyWindows::Keyed(Box::new(
        processes.expect("good parameters"),
    )))
}

fn merge(keyed: &mut Pipeline, place: (u32, i64), records: &[&str]) -> Merged {
    merge_with::<FactsOf<FollowedTicks>>(keyed, &[], place, records)
}

fn merge_again(keyed: &mut Pipeline, first_offset: i64, records: &[&str]) -> Merged {
    let again = Arrived {
        partition: Partition(0),
        replayed_to: Offset(i64::MAX),
    };
    let partial = partial_with::<FactsOf<FollowedTicks>>(&[], first_offset, records);
    keyed.merge(again, &partial).expect("a good partial")
}

#[test]
fn events_are_followed_in_the_order_of_time_partition_and_offset() {
    let mut keyed = keyed(1_000);
    merge(&mut keyed, (1, 0), &["1000 a x", "500 a v"]);
    merge(&mut keyed, (0, 3), &["1000 a w", "1000 a u"]);
    assert_eq!(rows(&mut keyed, 1_000), ["500..501 a|1 v r0"]);
    assert_eq!(
        rows(&mut keyed, 1_001),
        [
            "1000..1001 a|2 w after v r0",
            "1000..1001 a|2 w before u r1",
            "1000..1001 a|3 u after w r0",
            "1000..1001 a|4 x after u r0"
        ]
    );
}

#[test]
fn a_deadline_comes_before_an_event_of_its_time() {
    let mut keyed = keyed(1_000);
    merge(&mut keyed, (0, 0), &["0 a x", "5000 a y", "9999 a z"]);
    assert_eq!(rows(&mut keyed, 4_999), ["0..1 a|1 x r0"]);
    let silent = "0..5000 a|silent silent after 1 events r0";
    assert_eq!(rows(&mut keyed, 5_000), [silent]);
    assert_eq!(
        rows(&mut keyed, 20_000),
        [
            "5000..5001 a|2 y after x r0",
            "5000..5001 a|2 y before z r1",
            "9999..10000 a|3 z after y r0",
            "9999..14999 a|silent silent after 3 events r0"
        ]
    );
    assert!(rows(&mut keyed, 90_000).is_empty(), "once");
}

#[test]
fn a_key_without_anything_to_come_is_forgotten() {
    let mut keyed = keyed(1_000);
    merge(
        &mut keyed,
        (0, 0),
        &[
            "0 a 1", "1 a 2", "2 a 3", "3 a 4", "4 a 5", "5 a 6", "5 b 1",
        ],
    );
    assert_eq!(keyed.len(), 2 + 7);
    rows(&mut keyed, 5_004);
    assert_eq!(keyed.len(), 2);
    rows(&mut keyed, 5_005);
    assert_eq!(keyed.len(), 1, "b may continue");
}

#[test]
fn an_event_that_time_has_passed_is_late_and_one_at_that_time_is_not() {
    let mut keyed = keyed(1_000);
    rows(&mut keyed, 1_000);
    assert_eq!(merge(&mut keyed, (0, 0), &["1000 a x"]).late, 0);
    assert!(!keyed.has_prior_late());
    assert_eq!(merge(&mut keyed, (0, 1), &["999 a x", "999 b x"]).late, 2);
    assert!(keyed.has_prior_late());
    keyed.snapshotted(&offsets([0]));
    assert!(!keyed.has_prior_late());
}

#[test]
fn of_a_batch_and_a_time_all_are_late_if_one_was() {
    let mut prior = PriorOutput::default();
    prior.add_late(late(1, 5, Some(RecordKey::from("a"))));
    let mut keyed = keyed(1_000);
    keyed.resume(None, None, prior);
    let merged = merge(&mut keyed, (0, 0), &["5 a x", "5 a y", "6 a z", "5 b x"]);
    assert_eq!(merged.late, 2);
}

#[test]
fn a_key_for_which_there_is_no_room_is_refused() {
    let mut keyed = keyed(2);
    let merged = merge(&mut keyed, (0, 0), &["0 a x", "1 a y", "2 b x"]);
    assert_eq!((merged.late, keyed.len()), (1, 3));
    assert_eq!(merged.late_places[0].cause, Cause::NoRoom);
    assert!(keyed.has_prior_late());
    merge_again(&mut keyed, 3, &["3 c x"]);
    assert_eq!(keyed.len(), 5, "what was taken in before is again");
}

#[test]
fn a_snapshot_holds_states_and_what_waits() {
    let mut before = keyed(1_000);
    merge(&mut before, (0, 0), &["0 a x", "4000 a z", "4000 b x"]);
    rows(&mut before, 3_000);
    let mut after = keyed(1_000);
    let snapshot = before.snapshot().expect("encodes");
    after.restore(&snapshot).expect("decodes");
    after.resume(Some(at(3_500)), None, PriorOutput::after(&offsets([0])));
    assert_eq!(after.len(), before.len());
    assert_eq!(merge_again(&mut after, 3, &["3200 a y"]).late, 0);
    assert_eq!(
        merge_again(&mut after, 4, &["2999 a y"]).late,
        0,
        "not counted"
    );
    assert_eq!(merge(&mut after, (1, 0), &["3499 a y"]).late, 1);
    assert_eq!(
        rows(&mut after, 5_000),
        [
            "3200..3201 a|2 y after x r0",
            "3200..3201 a|2 y before z r1",
            "4000..4001 a|3 z after y r0",
            "4000..4001 b|1 x r0"
        ]
    );
}

#[test]
fn earlier_detections_are_known_until_they_are_detected_again() {
    let mut prior = PriorOutput::after(&offsets([3]));
    for (start, key, revision) in [(0, "a|1", 0), (1, "a|2", 1)] {
        let row = PriorRow {
            window_end: at(start + 1),
            revision,
            withdrawn: false,
            is_early: false,
            value: Vec::new(),
        };
        prior.add_row(at(start), key.to_owned(), row);
    }
    let mut keyed = keyed(1_000);
    keyed.resume(None, None, prior);
    merge(&mut keyed, (0, 0), &["0 a x", "1 a y"]);
    assert!(rows(&mut keyed, 4_000).is_empty());
    keyed.snapshotted(&offsets([9]));
    assert_eq!(
        keyed.derived_from(&offsets([9])),
        offsets([3]),
        "a revision is to come"
    );
    merge(&mut keyed, (0, 2), &["4000 a z"]);
    assert_eq!(rows(&mut keyed, 4_500), ["4000..4001 a|3 z after y r0"]);
    keyed.snapshotted(&offsets([9]));
    assert_eq!(keyed.derived_from(&offsets([9])), offsets([9]));
}
