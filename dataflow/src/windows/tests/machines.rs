//! State machines: events in order, deadlines between them, and findings that stand.

use super::*;
use crate::standing::StandingRow;
use crate::testing::FollowedTicks;
use model::follow::FactsOf;

fn machines(entries_max: usize) -> Machines<FollowedTicks> {
    let bounds = Bounds {
        entries_max,
        ..bounds(2)
    };
    Machines::new(&model::Params::default(), bounds).expect("good parameters")
}

fn merge(machines: &mut Machines<FollowedTicks>, place: (usize, i64), records: &[&str]) -> Merged {
    merge_with::<FactsOf<FollowedTicks>>(machines, &[], place, records)
}

fn merge_again(
    machines: &mut Machines<FollowedTicks>,
    first_offset: i64,
    records: &[&str],
) -> Merged {
    let again = Arrived {
        partition: 0,
        replayed_to: i64::MAX,
    };
    let partial = partial_with::<FactsOf<FollowedTicks>>(&[], first_offset, records);
    machines.merge(again, &partial).expect("a good partial")
}

#[test]
fn events_are_followed_in_the_order_of_time_partition_and_offset() {
    let mut machines = machines(1_000);
    merge(&mut machines, (1, 0), &["1000 a x", "500 a v"]);
    merge(&mut machines, (0, 3), &["1000 a w", "1000 a u"]);
    assert_eq!(rows(&mut machines, 1_000), ["500..501 a|1 v r0"]);
    assert_eq!(
        rows(&mut machines, 1_001),
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
    let mut machines = machines(1_000);
    merge(&mut machines, (0, 0), &["0 a x", "5000 a y", "9999 a z"]);
    assert_eq!(rows(&mut machines, 4_999), ["0..1 a|1 x r0"]);
    let silent = "0..5000 a|silent silent after 1 events r0";
    assert_eq!(rows(&mut machines, 5_000), [silent]);
    assert_eq!(
        rows(&mut machines, 20_000),
        [
            "5000..5001 a|2 y after x r0",
            "5000..5001 a|2 y before z r1",
            "9999..10000 a|3 z after y r0",
            "9999..14999 a|silent silent after 3 events r0"
        ]
    );
    assert!(rows(&mut machines, 90_000).is_empty(), "once");
}

#[test]
fn a_key_that_says_nothing_more_is_forgotten() {
    let mut machines = machines(1_000);
    merge(
        &mut machines,
        (0, 0),
        &[
            "0 a 1", "1 a 2", "2 a 3", "3 a 4", "4 a 5", "5 a 6", "5 b 1",
        ],
    );
    assert_eq!(machines.len(), 2 + 7);
    rows(&mut machines, 5_004);
    assert_eq!(machines.len(), 2);
    rows(&mut machines, 5_005);
    assert_eq!(machines.len(), 1, "b may go on");
}

#[test]
fn an_event_that_time_has_passed_is_late_and_one_at_that_time_is_not() {
    let mut machines = machines(1_000);
    rows(&mut machines, 1_000);
    assert_eq!(merge(&mut machines, (0, 0), &["1000 a x"]).late, 0);
    assert!(!machines.late_stands());
    assert_eq!(
        merge(&mut machines, (0, 1), &["999 a x", "999 b x"]).late,
        2
    );
    assert!(machines.late_stands());
    machines.snapshotted(&[0]);
    assert!(!machines.late_stands());
}

#[test]
fn of_a_batch_and_a_time_all_are_late_if_one_was() {
    let mut standing = Standing::default();
    standing.add_late((0, 1), at(5), Some(RecordKey::from("a")));
    let mut machines = machines(1_000);
    machines.resume(None, standing);
    let merged = merge(&mut machines, (0, 0), &["5 a x", "5 a y", "6 a z", "5 b x"]);
    assert_eq!(merged.late, 2);
}

#[test]
fn a_key_for_which_there_is_no_room_is_refused() {
    let mut machines = machines(2);
    let merged = merge(&mut machines, (0, 0), &["0 a x", "1 a y", "2 b x"]);
    assert_eq!((merged.late, machines.len()), (1, 3));
    assert_eq!(merged.late_places[0].cause, Cause::NoRoom);
    assert!(machines.late_stands());
    merge_again(&mut machines, 3, &["3 c x"]);
    assert_eq!(machines.len(), 5, "what was taken in before is again");
}

#[test]
fn a_snapshot_holds_states_and_what_waits() {
    let mut before = machines(1_000);
    merge(&mut before, (0, 0), &["0 a x", "4000 a z", "4000 b x"]);
    rows(&mut before, 3_000);
    let mut after = machines(1_000);
    let snapshot = before.snapshot().expect("encodes");
    after.restore(&snapshot).expect("decodes");
    after.resume(Some(at(3_500)), Standing::behind(&[0]));
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
fn findings_that_stand_are_known_until_they_come_up_again() {
    let mut standing = Standing::behind(&[3]);
    for (start, key, revision) in [(0, "a|1", 0), (1, "a|2", 1)] {
        let row = StandingRow {
            window_end: at(start + 1),
            revision,
            withdrawn: false,
            value: Vec::new(),
        };
        standing.add_row(at(start), key.to_owned(), row);
    }
    let mut machines = machines(1_000);
    machines.resume(None, standing);
    merge(&mut machines, (0, 0), &["0 a x", "1 a y"]);
    assert!(rows(&mut machines, 4_000).is_empty());
    machines.snapshotted(&[9]);
    assert_eq!(machines.derived_from(&[9]), [3], "a revision is to come");
    merge(&mut machines, (0, 2), &["4000 a z"]);
    assert_eq!(rows(&mut machines, 4_500), ["4000..4001 a|3 z after y r0"]);
    machines.snapshotted(&[9]);
    assert_eq!(machines.derived_from(&[9]), [9]);
}
