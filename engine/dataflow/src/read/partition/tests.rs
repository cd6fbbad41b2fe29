//! Tests which batches are merged: repeated ones are skipped, gaps are noticed, and records that retention has removed
//! only move the position on.

use super::*;
use crate::pipeline::{Arrived, Pipeline};
use crate::testing::{CountTicks, partial};
use crate::windows::{AnyWindows, Bounds, Panes};

#[test]
fn lost_records_move_the_position_on_and_contribute_nothing() {
    let windows = Panes::new(
        CountTicks,
        10_000,
        10_000,
        Bounds {
            partitions: 1,
            allowed_lateness_ms: 0,
            entries_max: 1,
            early: false,
        },
    );
    let mut windows = Pipeline::new(AnyWindows::Correctable(Box::new(windows)));
    let arrived = Arrived {
        partition: Partition(0),
        replayed_to: Offset(5),
    };
    let merged = windows
        .merge(arrived, &nothing_before(Offset(7)))
        .expect("a partial of any derivation");
    assert_eq!(
        (merged.header.first_offset, merged.header.next_offset),
        (7, 7)
    );
    assert_eq!(
        (windows.len(), windows.rewind_offset(Partition(0))),
        (0, None)
    );
}

#[test]
fn a_batch_is_merged_once_and_none_is_passed_over() {
    let header = BatchHeader::decode(&partial(3, &["1 a", "2 a"])).expect("a partial");
    let places = [2, 3, 4, 5, 6].map(|next_offset| Place::of(&header, Offset(next_offset)));
    assert_eq!(
        places,
        [
            Place::Gap,
            Place::Next,
            Place::Gap,
            Place::Merged,
            Place::Merged
        ]
    );
}
