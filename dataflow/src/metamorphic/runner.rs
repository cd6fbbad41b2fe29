//! The derivation's loop without a cluster: the same state, the same order of calls.

use std::ops::Range;

use model::{RecordKey, Timestamp};

use super::cluster::{Killed, Late, SnapshotAt, Topics};
use super::course::Course;
use super::recovery;
use super::scripts::Settings;
use crate::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::position::Position;
use crate::source::Place;
use crate::standing::StandingKeys;
use crate::watermarks::Watermarks;
use crate::windows::{AnyWindows, Arrived, LatePlace, Row};

pub(super) struct Runner {
    settings: Settings,
    windows: Box<dyn AnyWindows>,
    watermarks: Watermarks,
    positions: Vec<Position>,
    rejected: Vec<(usize, i64)>,
    late: Vec<(usize, Range<i64>, Vec<LatePlace>)>,
    rejected_standing: StandingKeys,
    late_standing: StandingKeys,
    derived_ends: Vec<i64>,
    snapshot: Option<SnapshotAt>,
    snapshot_is_due: bool,
    pub(super) course: Course,
    now_ms: i64,
}

impl Runner {
    pub(super) fn recover(settings: Settings, topics: &Topics) -> Self {
        let mut checkpoint = topics.checkpoint.clone();
        checkpoint
            .partitions
            .resize(topics.source.len(), PartitionCheckpoint::default());
        let mut windows = settings.kind.windows(settings.bounds(topics.source.len()));
        let snapshot = recovery::restore(topics, &mut checkpoint, windows.as_mut());
        let (rejected_standing, late_standing) = recovery::diverted(topics, &checkpoint);
        windows.resume(
            checkpoint.watermark,
            recovery::standing(topics, &checkpoint),
        );
        let mut course = snapshot
            .as_ref()
            .map(|at| at.course.clone())
            .unwrap_or_default();
        course.retire(checkpoint.watermark, settings.allowed_lateness_ms);
        let partitions = checkpoint.partitions.iter();
        let max_event_times = partitions.map(|partition| partition.max_event_time);
        Self {
            settings,
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
            snapshot,
            snapshot_is_due: false,
            course,
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
        let offsets = header.first_offset..header.next_offset;
        self.course.merged(partition, offsets.clone());
        position.next_offset = header.next_offset;
        self.watermarks
            .heard(partition, header.max_event_time, self.now_ms);
        if header.next_offset <= position.replayed_to {
            return;
        }
        position.counts.add(&merged);
        let offset = |delta: u32| header.first_offset + i64::from(delta);
        let rejected = header.rejected.iter();
        self.rejected
            .extend(rejected.map(|(delta, _)| (partition, offset(*delta))));
        if !merged.late_places.is_empty() {
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
        if !rows.is_empty() {
            self.before_rows(topics)?;
        }
        self.write(topics, rows)?;
        self.windows.retire(watermark);
        self.course
            .retire(Some(watermark), self.settings.allowed_lateness_ms);
        Ok(())
    }

    /// A restart must not take for accepted what the rows know to be late; nor for late what is in
    /// rows that cannot be corrected.
    fn before_rows(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        if self.windows.corrects() {
            return self.flush_late(topics);
        }
        let late_needed = self.flush(topics)?;
        self.note(topics, late_needed)
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

    /// The next checkpoint names a new snapshot.
    pub(super) fn wants_snapshot(&mut self) {
        self.snapshot_is_due = true;
    }

    fn save(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        let late_needed = self.flush(topics)?;
        if std::mem::take(&mut self.snapshot_is_due) {
            self.make_snapshot(topics)?;
        }
        self.note(topics, late_needed)?;
        recovery::leave(topics, &self.course, self.settings.kind);
        Ok(())
    }

    /// Writes a checkpoint.
    fn note(&mut self, topics: &mut Topics, late_needed: bool) -> Result<(), Killed> {
        let checkpoint = self.checkpoint(topics, late_needed);
        topics.before_write()?;
        topics.checkpoint = checkpoint;
        topics.named = self.snapshot.clone();
        Ok(())
    }

    fn checkpoint(&self, topics: &Topics, late_needed: bool) -> Checkpoint {
        let partition = |(partition, position): (usize, &Position)| PartitionCheckpoint {
            rewind_offset: self
                .windows
                .rewind_offset(partition)
                .unwrap_or(position.next_offset),
            next_offset: position.next_offset.max(position.replayed_to),
            max_event_time: self.watermarks.max_event_time(partition),
            counts: position.counts.clone(),
        };
        let (rejected, late) = (topics.rejected.len() as i64, topics.late.len() as i64);
        Checkpoint {
            watermark: self.watermarks.current(),
            partitions: self.positions.iter().enumerate().map(partition).collect(),
            derived_from: self.windows.derived_from(&self.derived_ends),
            snapshot: None,
            definition: None,
            rules: crate::RuleHistory::default(),
            rejected_from: self.rejected_standing.from(&[rejected], false),
            late_from: self.late_standing.from(&[late], late_needed),
        }
    }

    fn make_snapshot(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        let bytes = self.windows.snapshot().expect("a snapshot");
        let first = topics.snapshots.len();
        for part in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
            topics.before_write()?;
            topics.snapshots.push(part.to_vec());
        }
        let positions = self.positions.iter();
        self.snapshot = Some(SnapshotAt {
            parts: first..topics.snapshots.len(),
            next_offsets: positions.map(|position| position.next_offset).collect(),
            course: self.course.clone(),
        });
        self.windows.snapshotted(&self.derived_ends);
        Ok(())
    }

    /// Whether windows need what stands of late events.
    fn flush(&mut self, topics: &mut Topics) -> Result<bool, Killed> {
        self.flush_rejected(topics)?;
        self.flush_late(topics)?;
        Ok(self.windows.late_stands())
    }

    fn flush_rejected(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        for (partition, offset) in std::mem::take(&mut self.rejected) {
            if !self
                .rejected_standing
                .take(&recovery::key(partition, offset))
            {
                topics.before_write()?;
                topics.rejected.push((partition, offset));
            }
        }
        Ok(())
    }

    fn flush_late(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        for (partition, offsets, places) in std::mem::take(&mut self.late) {
            for (offset, time, key) in self.places(topics, partition, offsets) {
                let late = places.iter().any(|place| place.holds(time, &key));
                if late && !self.late_standing.take(&recovery::key(partition, offset)) {
                    let place = (partition, offset);
                    topics.before_write()?;
                    topics.late.push(Late { place, time, key });
                }
            }
        }
        Ok(())
    }

    /// The events at these offsets.
    fn places(
        &self,
        topics: &Topics,
        partition: usize,
        offsets: Range<i64>,
    ) -> Vec<(i64, Timestamp, RecordKey)> {
        let batches = topics.source[partition].iter();
        let records = (0..).zip(batches.flat_map(|batch| &batch.records));
        let wanted = records.filter(|(offset, _)| offsets.contains(offset));
        let place = |(offset, record): (i64, &String)| {
            let (time, key) = self.windows.place(record.as_bytes()).ok()?;
            Some((offset, time, key))
        };
        wanted.filter_map(place).collect()
    }
}

fn end(topics: &Topics, partition: usize) -> i64 {
    topics.source[partition][..topics.produced[partition]]
        .last()
        .map_or(0, |batch| batch.first_offset + batch.records.len() as i64)
}
