//! What is merged of batches that come again, that are missing, or that are lost.

use super::*;
use crate::testing::{CountTicks, partial};
use crate::windows::{AnyWindows, Arrived, Bounds, Panes};

#[test]
fn lost_records_move_the_position_on_and_contribute_nothing() {
    let mut windows = Panes::new(
        CountTicks,
        10_000,
        10_000,
        Bounds {
            partitions: 1,
            allowed_lateness_ms: 0,
            entries_max: 1,
        },
    );
    let arrived = Arrived {
        partition: 0,
        replayed_to: 5,
    };
    let merged = windows
        .merge(arrived, &nothing_before(7))
        .expect("a partial of any derivation");
    assert_eq!(
        (merged.header.first_offset, merged.header.next_offset),
        (7, 7)
    );
    assert_eq!((windows.len(), windows.rewind_offset(0)), (0, None));
}

#[test]
fn a_batch_is_merged_once_and_none_is_passed_over() {
    let header = BatchHeader::decode(&partial(3, &["1 a", "2 a"])).expect("a partial");
    let places = [2, 3, 4, 5, 6].map(|next_offset| Place::of(&header, next_offset));
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
