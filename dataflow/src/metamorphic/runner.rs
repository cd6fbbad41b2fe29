//! The derivation's loop without a cluster: the same state, the same order of calls.

use std::ops::Range;

use model::{Event, RecordKey, Timestamp};
use serde::Deserialize;

use super::cluster::{Killed, Topics};
use super::scripts::Settings;
use crate::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::position::Position;
use crate::source::Place;
use crate::standing::{Standing, StandingKeys, StandingRow};
use crate::testing::{DistinctTicks, Tick};
use crate::watermarks::Watermarks;
use crate::windows::{AnyWindows, Arrived, Bounds, LatePlace, Panes, Row};

#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    window_end: Timestamp,
    revision: u32,
    #[serde(default)]
    withdrawn: bool,
}

pub(super) struct Runner {
    windows: Panes<DistinctTicks>,
    watermarks: Watermarks,
    positions: Vec<Position>,
    rejected: Vec<(usize, i64)>,
    late: Vec<(usize, Range<i64>, Vec<LatePlace>)>,
    rejected_standing: StandingKeys,
    late_standing: StandingKeys,
    derived_ends: Vec<i64>,
    now_ms: i64,
}

impl Runner {
    pub(super) fn recover(settings: Settings, topics: &Topics) -> Self {
        let partitions = topics.source.len();
        let mut checkpoint = topics.checkpoint.clone();
        checkpoint
            .partitions
            .resize(partitions, PartitionCheckpoint::default());
        let (rejected_standing, late_standing) = diverted(topics, &checkpoint);
        let bounds = Bounds {
            partitions,
            allowed_lateness_ms: settings.allowed_lateness_ms,
            entries_max: 1_000_000,
        };
        let mut windows = Panes::new(DistinctTicks, 10_000, 10_000, bounds);
        windows.resume(checkpoint.watermark, standing(topics, &checkpoint));
        let max_event_times = checkpoint
            .partitions
            .iter()
            .map(|partition| partition.max_event_time);
        Self {
            windows,
            watermarks: Watermarks::new(
                settings.lateness_ms,
                settings.idle_timeout_ms,
                max_event_times,
                checkpoint.watermark,
                0,
            ),
            positions: checkpoint
                .partitions
                .into_iter()
                .map(Position::from)
                .collect(),
            rejected: Vec::new(),
            late: Vec::new(),
            rejected_standing,
            late_standing,
            derived_ends: topics.derived_ends(),
            now_ms: 0,
        }
    }

    pub(super) fn has_more(&self, topics: &Topics, partition: usize) -> bool {
        self.positions[partition].next_offset < end(topics, partition)
    }

    pub(super) fn deliver(&mut self, topics: &mut Topics, partition: usize) -> Result<(), Killed> {
        let next = self.positions[partition].next_offset;
        self.offer(topics, partition, next)
    }

    pub(super) fn repeat(&mut self, topics: &mut Topics, partition: usize) -> Result<(), Killed> {
        let before = self.positions[partition].next_offset - 1;
        self.offer(topics, partition, before)
    }

    /// The server hands out the batch around `offset`, if there is one.
    fn offer(&mut self, topics: &mut Topics, partition: usize, offset: i64) -> Result<(), Killed> {
        let batches = &topics.source[partition][..topics.produced[partition]];
        let holds = |first: i64, length: usize| first <= offset && offset < first + length as i64;
        let found = batches
            .iter()
            .find(|batch| holds(batch.first_offset, batch.records.len()));
        let Some(batch) = found else { return Ok(()) };
        self.merge(partition, &batch.partial);
        self.close(topics, false)
    }

    fn merge(&mut self, partition: usize, partial: &[u8]) {
        let header = model::partial::BatchHeader::decode(partial).expect("a partial");
        let position = &mut self.positions[partition];
        match Place::of(&header, position.next_offset) {
            Place::Merged => return,
            Place::Next => {}
            Place::Gap => panic!("a gap before {header:?}"),
        }
        let arrived = Arrived {
            partition,
            replayed_to: position.replayed_to,
        };
        let merged = self.windows.merge(arrived, partial).expect("a partial");
        position.next_offset = header.next_offset;
        self.watermarks
            .heard(partition, header.max_event_time, self.now_ms);
        if header.next_offset <= position.replayed_to {
            return;
        }
        position.counts.add(&merged);
        let offset = |delta: u32| header.first_offset + i64::from(delta);
        self.rejected.extend(
            header
                .rejected
                .iter()
                .map(|(delta, _)| (partition, offset(*delta))),
        );
        if !merged.late_places.is_empty() {
            let offsets = header.first_offset..header.next_offset;
            self.late.push((partition, offsets, merged.late_places));
        }
    }

    pub(super) fn wait(&mut self, topics: &mut Topics, ms: i64) -> Result<(), Killed> {
        self.now_ms += ms;
        for partition in self.watermarks.silent(self.now_ms) {
            if !self.has_more(topics, partition) {
                self.watermarks.set_idle(partition);
            }
        }
        self.close(topics, false)
    }

    fn is_replaying(&self) -> bool {
        self.positions
            .iter()
            .any(|position| position.next_offset < position.replayed_to)
    }

    pub(super) fn close(&mut self, topics: &mut Topics, corrections: bool) -> Result<(), Killed> {
        if self.is_replaying() {
            return Ok(());
        }
        let Some(watermark) = self.watermarks.advance(self.now_ms) else {
            return Ok(());
        };
        let rows = self
            .windows
            .emit(watermark, corrections, &self.derived_ends)
            .expect("emits");
        let written = !rows.is_empty();
        self.write(topics, rows)?;
        self.windows.retire(watermark);
        if written { self.save(topics) } else { Ok(()) }
    }

    fn write(&mut self, topics: &mut Topics, rows: Vec<Row>) -> Result<(), Killed> {
        for row in rows {
            topics.before_write()?;
            let partition = usize::from(row.key.ends_with('1'));
            topics.derived[partition].push((row.key, row.value));
        }
        self.derived_ends = topics.derived_ends();
        Ok(())
    }

    pub(super) fn save_if_whole(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        if self.is_replaying() {
            return Ok(());
        }
        self.save(topics)
    }

    fn save(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        self.flush(topics)?;
        let partition = |(partition, position): (usize, &Position)| PartitionCheckpoint {
            rewind_offset: self
                .windows
                .rewind_offset(partition)
                .unwrap_or(position.next_offset),
            next_offset: position.next_offset.max(position.replayed_to),
            max_event_time: self.watermarks.max_event_time(partition),
            counts: position.counts.clone(),
        };
        let ends = |length: usize| vec![length as i64];
        let checkpoint = Checkpoint {
            watermark: self.watermarks.current(),
            partitions: self.positions.iter().enumerate().map(partition).collect(),
            derived_from: self.windows.derived_from(&self.derived_ends),
            snapshot: None,
            rules: topics.checkpoint.rules.clone(),
            rejected_from: self
                .rejected_standing
                .from(&ends(topics.rejected.len()), false),
            late_from: self
                .late_standing
                .from(&ends(topics.late.len()), self.windows.late_stands()),
        };
        topics.before_write()?;
        topics.checkpoint = checkpoint;
        Ok(())
    }

    fn flush(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        for (partition, offset) in std::mem::take(&mut self.rejected) {
            if !self.rejected_standing.take(&key(partition, offset)) {
                topics.before_write()?;
                topics.rejected.push((partition, offset));
            }
        }
        for (partition, offsets, places) in std::mem::take(&mut self.late) {
            for (offset, time, at_key) in times(topics, partition, offsets) {
                let late = places.iter().any(|place| place.holds(time, &at_key));
                if late && !self.late_standing.take(&key(partition, offset)) {
                    topics.before_write()?;
                    topics.late.push((partition, offset, time));
                }
            }
        }
        Ok(())
    }
}

fn key(partition: usize, offset: i64) -> Vec<u8> {
    format!("{partition}|{offset}").into_bytes()
}

fn end(topics: &Topics, partition: usize) -> i64 {
    topics.source[partition][..topics.produced[partition]]
        .last()
        .map_or(0, |batch| batch.first_offset + batch.records.len() as i64)
}

/// The events at these offsets.
fn times(
    topics: &Topics,
    partition: usize,
    offsets: Range<i64>,
) -> Vec<(i64, Timestamp, RecordKey)> {
    let records = topics.source[partition]
        .iter()
        .flat_map(|batch| &batch.records);
    (0..)
        .zip(records)
        .filter(|(offset, _)| offsets.contains(offset))
        .filter_map(|(offset, record)| {
            let time = Tick::parse(record.as_bytes()).ok()?.time();
            Some((offset, time, RecordKey::from(record.split(' ').nth(1)?)))
        })
        .collect()
}

fn standing(topics: &Topics, checkpoint: &Checkpoint) -> Standing {
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
    for (partition, offset, time) in &topics.late[behind(&checkpoint.late_from)..] {
        if checkpoint.partitions[*partition].reads_again(*offset) {
            standing.add_late((*partition, *offset), *time, None);
        }
    }
    standing
}

fn diverted(topics: &Topics, checkpoint: &Checkpoint) -> (StandingKeys, StandingKeys) {
    let mut rejected = StandingKeys::behind(&checkpoint.rejected_from);
    let mut late = StandingKeys::behind(&checkpoint.late_from);
    let anew = |partition: usize, offset| checkpoint.partitions[partition].counts_anew(offset);
    for (partition, offset) in &topics.rejected[behind(&checkpoint.rejected_from)..] {
        if anew(*partition, *offset) {
            rejected.add(&key(*partition, *offset));
        }
    }
    for (partition, offset, _) in &topics.late[behind(&checkpoint.late_from)..] {
        if anew(*partition, *offset) {
            late.add(&key(*partition, *offset));
        }
    }
    (rejected, late)
}

fn behind(from: &[i64]) -> usize {
    from.first().map_or(0, |from| *from as usize)
}
