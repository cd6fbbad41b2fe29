//! The derivation's loop without a cluster. It calls the pipeline and the watermarks, and writes its output, in the
//! same order as the real loop.

use client::{Offset, OffsetRange, Partition, PartitionOffset};
use model::Timestamp;

use super::cluster::{Killed, Late, SnapshotAt, Topics};
use super::merge_history::MergeHistory;
use super::recovery;
use super::scripts::Settings;
use crate::covered::Covered;
use crate::durable::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::durable::source_log::ReadTo;
use crate::output::lateness::{LatePlace, Located};
use crate::output::prior::PriorKeys;
use crate::output::revisions::Row;
use crate::pipeline::{Arrived, Pipeline};
use crate::read::partition::{Place, nothing_before};
use crate::sink::position::Position;
use crate::spec::locate::Locate;
use crate::watermarks::Watermarks;
use crate::windows::Due;

pub(super) struct Runner {
    settings: Settings,
    pipeline: Pipeline,
    locate: Box<dyn Locate>,
    watermarks: Watermarks,
    positions: Vec<Position>,
    rejected: Vec<PartitionOffset>,
    late: Vec<(Partition, OffsetRange, Vec<LatePlace>)>,
    prior_rejected: PriorKeys,
    prior_late: PriorKeys,
    derived_ends: Vec<Offset>,
    snapshot: Option<SnapshotAt>,
    snapshot_is_due: bool,
    pub(super) history: MergeHistory,
    now_ms: i64,
    closed_to: Option<Timestamp>,
}

impl Runner {
    pub(super) fn recover(settings: Settings, topics: &Topics) -> Self {
        let mut checkpoint = topics.checkpoint.clone();
        checkpoint
            .partitions
            .resize(topics.source.len(), PartitionCheckpoint::default());
        let mut pipeline = settings.kind.pipeline(settings.bounds(topics.source.len()));
        let snapshot = recovery::restore(topics, &mut checkpoint, &mut pipeline);
        let (prior_rejected, prior_late) = recovery::dead_letter(topics, &checkpoint);
        pipeline.resume(
            checkpoint.watermark,
            checkpoint.closed_to,
            recovery::prior(topics, &checkpoint),
        );
        let mut history = snapshot
            .as_ref()
            .map(|at| at.history.clone())
            .unwrap_or_default();
        history.retire(checkpoint.watermark, settings.allowed_lateness_ms);
        history.retire(checkpoint.closed_to, 0);
        let partitions = checkpoint.partitions.iter();
        let stream_times = partitions.map(|partition| partition.stream_time);
        Self {
            settings,
            pipeline,
            locate: settings.kind.locate(),
            watermarks: Watermarks::new(
                settings.lateness_ms,
                settings.idle_timeout_ms,
                stream_times,
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
            prior_rejected,
            prior_late,
            derived_ends: topics.derived_ends(),
            snapshot,
            snapshot_is_due: false,
            history,
            now_ms: 0,
            closed_to: checkpoint.closed_to,
        }
    }

    /// Whether each partition still holds the log that was read. A reader checks this when it reconnects.
    pub(super) fn recognizes(&self, topics: &Topics) -> bool {
        let mut positions = Partition::all().zip(&self.positions);
        positions.all(|(partition, position)| {
            let read_to = ReadTo {
                next_offset: position.next_offset.max(position.replayed_to),
                last_record: position.last_record,
            };
            topics.holds(partition, read_to)
        })
    }

    pub(super) fn next_offset(&self, partition: Partition) -> Offset {
        self.positions[partition.index()].next_offset
    }

    pub(super) fn has_more(&self, topics: &Topics, partition: Partition) -> bool {
        self.positions[partition.index()].next_offset < topics.end(partition)
    }

    pub(super) fn deliver(
        &mut self,
        topics: &mut Topics,
        partition: Partition,
    ) -> Result<(), Killed> {
        let next = self.positions[partition.index()].next_offset;
        self.offer(topics, partition, next)
    }

    pub(super) fn repeat(
        &mut self,
        topics: &mut Topics,
        partition: Partition,
    ) -> Result<(), Killed> {
        let before = self.positions[partition.index()].next_offset - 1;
        self.offer(topics, partition, before)
    }

    /// Skips records that retention removed before they were read.
    fn skip(&mut self, partition: Partition, first_offset: Offset) {
        let position = &mut self.positions[partition.index()];
        let arrived = Arrived {
            partition,
            replayed_to: position.replayed_to,
        };
        let partial = nothing_before(first_offset);
        let merged = self.pipeline.merge(arrived, &partial).expect("a partial");
        position.evicted_before(first_offset);
        position.moved_behind(&merged.header);
    }

    /// Merges the batch that contains `offset`, if it has been produced, as if a server had sent it.
    fn offer(
        &mut self,
        topics: &mut Topics,
        partition: Partition,
        offset: Offset,
    ) -> Result<(), Killed> {
        if offset < topics.first[partition.index()] {
            if offset == self.positions[partition.index()].next_offset {
                self.skip(partition, topics.first[partition.index()]);
            }
            return self.close(topics, Due::default());
        }
        let batches = &topics.source[partition.index()][..topics.produced[partition.index()]];
        let holds =
            |first: Offset, length: usize| first <= offset && offset < first + length as i64;
        let found = batches
            .iter()
            .find(|batch| holds(batch.first_offset, batch.records.len()));
        let Some(batch) = found else { return Ok(()) };
        self.merge(partition, &batch.partial);
        self.close(topics, Due::default())
    }

    fn merge(&mut self, partition: Partition, partial: &[u8]) {
        let header = model::partial::BatchHeader::decode(partial).expect("a partial");
        let position = &mut self.positions[partition.index()];
        match Place::of(&header, position.next_offset) {
            Place::Merged => return,
            Place::Next => {}
            Place::Gap => panic!("a gap before {header:?}"),
        }
        let arrived = Arrived {
            partition,
            replayed_to: position.replayed_to,
        };
        let merged = self.pipeline.merge(arrived, partial).expect("a partial");
        let offsets = header.offsets();
        self.history.merged(partition, offsets);
        position.moved_behind(&header);
        self.watermarks
            .heard(partition, header.stream_time, self.now_ms);
        if offsets.end <= position.replayed_to {
            return;
        }
        position
            .counts
            .add(&merged.header, merged.late, merged.duplicate);
        let rejected = header.rejected_offsets();
        self.rejected
            .extend(rejected.map(|offset| PartitionOffset { partition, offset }));
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
        self.close(topics, Due::default())
    }

    /// Emits the rows of open windows, if the derivation does so.
    pub(super) fn emit_early(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        let early = self.settings.early;
        self.close(
            topics,
            Due {
                corrections: false,
                early,
            },
        )
    }

    fn is_replaying(&self) -> bool {
        self.positions
            .iter()
            .any(|position| position.next_offset < position.replayed_to)
    }

    pub(super) fn close(&mut self, topics: &mut Topics, due: Due) -> Result<(), Killed> {
        if self.is_replaying() {
            return Ok(());
        }
        let Some(watermark) = self.watermarks.advance(self.now_ms) else {
            return Ok(());
        };
        let rows = self
            .pipeline
            .emit(watermark, due, &self.derived_ends)
            .expect("emits");
        if !rows.is_empty() {
            self.before_rows(topics)?;
        }
        self.write(topics, rows)?;
        self.pipeline.retire(watermark);
        self.history
            .retire(Some(watermark), self.settings.allowed_lateness_ms);
        Ok(())
    }

    /// Writes what must be durable before the rows. After a restart, an event that these rows treat as late
    /// must still be late, and an event counted in a row that can no longer be corrected must not become
    /// late.
    fn before_rows(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        if self.pipeline.corrects() {
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

    /// Makes the next checkpoint refer to a new snapshot.
    pub(super) fn wants_snapshot(&mut self) {
        self.snapshot_is_due = true;
    }

    fn save(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        let late_needed = self.flush(topics)?;
        if std::mem::take(&mut self.snapshot_is_due) {
            self.make_snapshot(topics)?;
        }
        self.note(topics, late_needed)?;
        recovery::leave(topics, &self.history, self.settings.kind);
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
        let partition = |(partition, position): (Partition, &Position)| PartitionCheckpoint {
            rewind_offset: self
                .pipeline
                .rewind_offset(partition)
                .unwrap_or(position.next_offset),
            next_offset: position.next_offset.max(position.replayed_to),
            stream_time: self.watermarks.stream_time(partition),
            last_record: position.last_record,
            counts: position.counts.clone(),
        };
        let rejected = Offset(topics.rejected.len() as i64);
        let late = Offset(topics.late.len() as i64);
        Checkpoint {
            watermark: self.watermarks.current(),
            closed_to: self.closed_to,
            partitions: Partition::all()
                .zip(&self.positions)
                .map(partition)
                .collect(),
            derived_from: self.pipeline.derived_from(&self.derived_ends),
            snapshot: None,
            definition: None,
            rules: crate::RuleHistory::default(),
            rejected_from: self.prior_rejected.from(&[rejected], false),
            late_from: self.prior_late.from(&[late], late_needed),
        }
    }

    fn make_snapshot(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        let bytes = self.pipeline.snapshot().expect("a snapshot");
        let first = topics.snapshots.len();
        for part in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
            topics.before_write()?;
            topics.snapshots.push(part.to_vec());
        }
        let positions = self.positions.iter();
        self.snapshot = Some(SnapshotAt {
            parts: first..topics.snapshots.len(),
            next_offsets: positions.map(|position| position.next_offset).collect(),
            history: self.history.clone(),
        });
        self.pipeline.snapshotted(&self.derived_ends);
        Ok(())
    }

    /// Writes the pending dead letters. Returns whether a restart needs to read `late-events` back.
    fn flush(&mut self, topics: &mut Topics) -> Result<bool, Killed> {
        self.flush_rejected(topics)?;
        self.flush_late(topics)?;
        Ok(self.pipeline.has_prior_late())
    }

    fn flush_rejected(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        for at in std::mem::take(&mut self.rejected) {
            if !self.prior_rejected.take(&recovery::key(at)) {
                topics.before_write()?;
                topics.rejected.push(at);
            }
        }
        Ok(())
    }

    fn flush_late(&mut self, topics: &mut Topics) -> Result<(), Killed> {
        for (partition, offsets, places) in std::mem::take(&mut self.late) {
            for (offset, event) in self.places(topics, partition, offsets) {
                let at = PartitionOffset { partition, offset };
                let late = places.iter().any(|place| place.holds(&event));
                if late && !self.prior_late.take(&recovery::key(at)) {
                    topics.before_write()?;
                    topics.late.push(Late::new(at, &event));
                }
            }
        }
        Ok(())
    }

    /// Returns each valid event at these offsets.
    fn places(
        &self,
        topics: &Topics,
        partition: Partition,
        offsets: OffsetRange,
    ) -> Vec<(Offset, Located)> {
        let batches = topics.source[partition.index()].iter();
        let records = (0..)
            .map(Offset)
            .zip(batches.flat_map(|batch| &batch.records));
        let wanted = records.filter(|(offset, _)| offsets.contains(*offset));
        let place = |(offset, record): (Offset, &String)| {
            Some((offset, self.locate.locate(record.as_bytes()).ok()?))
        };
        wanted.filter_map(place).collect()
    }
}
