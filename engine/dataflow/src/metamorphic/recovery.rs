//! The state that a simulated runner recovers when it starts.

use client::{Offset, PartitionOffset};
use model::Timestamp;
use serde::Deserialize;

use super::checks;
use super::cluster::{SnapshotAt, Topics};
use super::kinds::{Kind, Windowing};
use super::merge_history::MergeHistory;
use crate::durable::checkpoint::Checkpoint;
use crate::output::lateness::LateEvent;
use crate::output::prior::{PriorKeys, PriorOutput, PriorRow};
use crate::pipeline::Pipeline;

/// The fields of a derived row that recovery reads: its window, its revision, and whether it is withdrawn and final.
#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    window_end: Timestamp,
    revision: u32,
    #[serde(default)]
    withdrawn: bool,
    #[serde(default, rename = "final")]
    is_final: Option<bool>,
}

/// Restores the snapshot that the checkpoint refers to, if it still exists.
pub(super) fn restore(
    topics: &Topics,
    checkpoint: &mut Checkpoint,
    pipeline: &mut Pipeline,
) -> Option<SnapshotAt> {
    let at = topics.named.clone()?;
    if at.parts.start < topics.snapshots_start {
        checkpoint.derived_from.clear();
        checkpoint.late_from.clear();
        return None;
    }
    let bytes = topics.snapshots[at.parts.clone()].concat();
    pipeline.restore(&bytes).expect("a snapshot");
    for (position, next_offset) in checkpoint.partitions.iter_mut().zip(&at.next_offsets) {
        position.rewind_offset = position.rewind_offset.max(*next_offset);
    }
    Some(at)
}

/// The output that was written after the checkpoint.
pub(super) fn prior(topics: &Topics, checkpoint: &Checkpoint) -> PriorOutput {
    let mut from = checkpoint.derived_from.clone();
    from.resize(topics.derived.len(), Offset::ZERO);
    let mut prior = PriorOutput::after(&from);
    for (rows, from) in topics.derived.iter().zip(from) {
        for (key, value) in &rows[from.0 as usize..] {
            let stamp: Stamp = serde_json::from_slice(value).expect("a row");
            let row = PriorRow {
                window_end: stamp.window_end,
                revision: stamp.revision,
                withdrawn: stamp.withdrawn,
                is_early: stamp.is_final == Some(false),
                value: value.clone(),
            };
            prior.add_row(stamp.window_start, key.clone(), row);
        }
    }
    for late in &topics.late[first(&checkpoint.late_from)..] {
        let PartitionOffset { partition, offset } = late.at;
        if checkpoint.partitions[partition.index()].reads_again(offset) {
            prior.add_late(LateEvent {
                at: late.at,
                time: late.time,
                key: late.key.clone(),
            });
        }
    }
    prior
}

/// Returns the keys of the dead letters, rejected and late, that were written after the checkpoint and whose source
/// records the checkpoint does not count yet. A restart counts these records, and would write their dead letters again.
pub(super) fn dead_letter(topics: &Topics, checkpoint: &Checkpoint) -> (PriorKeys, PriorKeys) {
    let mut rejected = PriorKeys::after(&checkpoint.rejected_from);
    let mut late = PriorKeys::after(&checkpoint.late_from);
    let counts =
        |at: PartitionOffset| checkpoint.partitions[at.partition.index()].is_uncounted(at.offset);
    for at in &topics.rejected[first(&checkpoint.rejected_from)..] {
        if counts(*at) {
            rejected.add(&key(*at));
        }
    }
    for record in &topics.late[first(&checkpoint.late_from)..] {
        if counts(record.at) {
            late.add(&key(record.at));
        }
    }
    (rejected, late)
}

/// Stores, for each window that the checkpoint no longer needs, the records that arrived in time for it.
pub(super) fn leave(topics: &mut Topics, history: &MergeHistory, kind: Kind) {
    let Windowing::Windows { size_ms, hop_ms } = kind.windowing() else {
        return;
    };
    let events: Vec<_> = checks::events(topics).map(|event| event.time).collect();
    for time in events {
        for start in checks::window_starts(time, size_ms, hop_ms) {
            if history.is_forgotten(start + size_ms) && !topics.left.contains_key(&start) {
                let in_time = history.in_time_for(start + size_ms);
                topics.left.insert(start, in_time);
            }
        }
    }
}

pub(super) fn key(at: PartitionOffset) -> Vec<u8> {
    format!("{}|{}", at.partition, at.offset).into_bytes()
}

fn first(from: &[Offset]) -> usize {
    from.first().map_or(0, |from| from.0 as usize)
}
