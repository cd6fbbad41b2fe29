//! What a simulated runner finds when it starts.

use model::{Timestamp, Windowing};
use serde::Deserialize;

use super::checks;
use super::cluster::{SnapshotAt, Topics};
use super::course::Course;
use super::kinds::Kind;
use crate::checkpoint::Checkpoint;
use crate::standing::{Standing, StandingKeys, StandingRow};
use crate::windows::AnyWindows;

#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    window_end: Timestamp,
    revision: u32,
    #[serde(default)]
    withdrawn: bool,
}

/// Takes in the snapshot that the checkpoint names, if it is still there.
pub(super) fn restore(
    topics: &Topics,
    checkpoint: &mut Checkpoint,
    windows: &mut dyn AnyWindows,
) -> Option<SnapshotAt> {
    let at = topics.named.clone()?;
    if at.parts.start < topics.snapshots_start {
        checkpoint.derived_from.clear();
        checkpoint.late_from.clear();
        return None;
    }
    let bytes = topics.snapshots[at.parts.clone()].concat();
    windows.restore(&bytes).expect("a snapshot");
    for (position, next_offset) in checkpoint.partitions.iter_mut().zip(&at.next_offsets) {
        position.rewind_offset = position.rewind_offset.max(*next_offset);
    }
    Some(at)
}

/// What stands behind the checkpoint.
pub(super) fn standing(topics: &Topics, checkpoint: &Checkpoint) -> Standing {
    let mut from = checkpoint.derived_from.clone();
    from.resize(topics.derived.len(), 0);
    let mut standing = Standing::behind(&from);
    for (rows, from) in topics.derived.iter().zip(from) {
        for (key, value) in &rows[from as usize..] {
            let stamp: Stamp = serde_json::from_slice(value).expect("a row");
            let row = StandingRow {
                window_end: stamp.window_end,
                revision: stamp.revision,
                withdrawn: stamp.withdrawn,
                value: value.clone(),
            };
            standing.add_row(stamp.window_start, key.clone(), row);
        }
    }
    for late in &topics.late[behind(&checkpoint.late_from)..] {
        let (partition, offset) = late.place;
        if checkpoint.partitions[partition].reads_again(offset) {
            standing.add_late(late.place, late.time, Some(late.key.clone()));
        }
    }
    standing
}

/// The diverted records behind the checkpoint that will come up again.
pub(super) fn diverted(topics: &Topics, checkpoint: &Checkpoint) -> (StandingKeys, StandingKeys) {
    let mut rejected = StandingKeys::behind(&checkpoint.rejected_from);
    let mut late = StandingKeys::behind(&checkpoint.late_from);
    let anew = |partition: usize, offset| checkpoint.partitions[partition].counts_anew(offset);
    for (partition, offset) in &topics.rejected[behind(&checkpoint.rejected_from)..] {
        if anew(*partition, *offset) {
            rejected.add(&key(*partition, *offset));
        }
    }
    for record in &topics.late[behind(&checkpoint.late_from)..] {
        let (partition, offset) = record.place;
        if anew(partition, offset) {
            late.add(&key(partition, offset));
        }
    }
    (rejected, late)
}

/// Notes what came in time for the windows that the checkpoint leaves behind.
pub(super) fn leave(topics: &mut Topics, course: &Course, kind: Kind) {
    let Windowing::Windows { size_ms, hop_ms } = kind.windowing() else {
        return;
    };
    let events: Vec<_> = checks::events(topics).map(|event| event.time).collect();
    for time in events {
        for start in checks::window_starts(time, size_ms, hop_ms) {
            if course.is_forgotten(start + size_ms) && !topics.left.contains_key(&start) {
                let in_time = course.in_time_for(start + size_ms);
                topics.left.insert(start, in_time);
            }
        }
    }
}

pub(super) fn key(partition: usize, offset: i64) -> Vec<u8> {
    format!("{partition}|{offset}").into_bytes()
}

fn behind(from: &[i64]) -> usize {
    from.first().map_or(0, |from| *from as usize)
}
