//! A replay without a cluster. It has the same schedule as the real replay and calls the pipeline in the same order.

use client::{Offset, OffsetRange, Partition, PartitionOffset};
use model::Timestamp;
use model::partial::BatchHeader;

use super::cluster::{Late, Topics};
use super::merge_history::MergeHistory;
use super::scripts::Settings;
use crate::covered::Covered;
use crate::durable::checkpoint::PartitionCheckpoint;
use crate::pipeline::{Arrived, Merged, Pipeline};
use crate::replay::{Scan, Schedule};
use crate::spec::locate::Locate;
use crate::windows::{Bounds, Due};

/// Replays the source of `topics` into its derived topic, and adds each merged record to `history`.
pub(super) fn run(settings: Settings, topics: &mut Topics, history: &mut MergeHistory) {
    let bounds = Bounds {
        allowed_lateness_ms: 0,
        ..settings.bounds(topics.source.len())
    };
    let mut pipeline = settings.kind.pipeline(bounds);
    let locate = settings.kind.locate();
    topics.checkpoint.partitions = vec![PartitionCheckpoint::default(); topics.source.len()];
    let mut schedule = schedule(settings, topics);
    let mut next_batch = vec![0; topics.source.len()];
    while let Some(partition) = schedule.next() {
        let index = partition.index();
        let batch = &topics.source[index][next_batch[index]];
        next_batch[index] += 1;
        let arrived = Arrived {
            partition,
            replayed_to: Offset::ZERO,
        };
        let merged = pipeline.merge(arrived, &batch.partial).expect("a partial");
        schedule.merged(partition, &merged.header);
        history.merged(partition, merged.header.offsets());
        note(topics, locate.as_ref(), partition, &merged);
        let closed_to = schedule.closed_to(pipeline.len() > settings.entries_max / 2);
        write(topics, &mut pipeline, closed_to);
        pipeline.retire(closed_to);
        history.retire(Some(closed_to), 0);
    }
    write(topics, &mut pipeline, Timestamp::MAX);
}

fn schedule(settings: Settings, topics: &Topics) -> Schedule {
    let partitions = topics.source.iter().map(|batches| {
        let mut scan = Scan::default();
        let start = Offset::ZERO;
        let mut end = start;
        for batch in batches {
            let header = BatchHeader::decode(&batch.partial).expect("a partial");
            end = header.offsets().end;
            scan.add(&header);
        }
        (OffsetRange { start, end }, scan)
    });
    let lateness_ms = settings.lateness_ms + settings.allowed_lateness_ms;
    Schedule::new(partitions.collect::<Vec<_>>(), lateness_ms)
}

/// Counts a batch's records, and writes those that are in no row to the dead-letter topics.
fn note(topics: &mut Topics, locate: &dyn Locate, partition: Partition, merged: &Merged) {
    let counts = &mut topics.checkpoint.partitions[partition.index()].counts;
    counts.add(&merged.header, merged.late, merged.duplicate);
    let first_offset = merged.header.offsets().start;
    for offset in merged.header.rejected_offsets() {
        let at = PartitionOffset { partition, offset };
        topics.rejected.push(at);
    }
    let batch = topics.source[partition.index()]
        .iter()
        .find(|batch| batch.first_offset == first_offset);
    let records = &batch.expect("the batch").records;
    for (offset, record) in (first_offset.0..).map(Offset).zip(records) {
        let Ok(event) = locate.locate(record.as_bytes()) else {
            continue;
        };
        if merged.late_places.iter().any(|late| late.holds(&event)) {
            let at = PartitionOffset { partition, offset };
            topics.late.push(Late::new(at, &event));
        }
    }
}

fn write(topics: &mut Topics, pipeline: &mut Pipeline, closed_to: Timestamp) {
    let rows = pipeline
        .emit(closed_to, Due::default(), &[])
        .expect("emits");
    topics.derived[0].extend(rows.into_iter().map(|row| (row.key, row.value)));
}
