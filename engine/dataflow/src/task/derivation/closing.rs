//! The output stage: writes the rows and corrections that are due, then a checkpoint if one is due.

use std::time::Duration;

use client::{Offset, Partition};
use model::Timestamp;
use tokio::time::Instant;

use super::DerivationTask;
use crate::durable::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::error::RunError;
use crate::output::revisions::Row;
use crate::sink::position::Position;
use crate::sink::status::DerivationStatus;
use crate::spec::definition::Definition;
use crate::windows::Due;

/// Corrections are collected for this long, so that a series of late events causes few revisions.
const CORRECTION_INTERVAL: Duration = Duration::from_secs(1);
/// The checkpoint interval while no window closes. It limits how many records have to be counted again after a crash.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// The longest time that rows wait for a checkpoint. When the sessions of many keys end one after another, a
/// checkpoint after each batch of rows would cost more than all other work.
const ROWS_INTERVAL: Duration = Duration::from_secs(1);
/// The number of pending rejected records and batches with late records at which a checkpoint is made early.
const PENDING_MAX: usize = 10_000;

impl DerivationTask {
    /// Whether windows are incomplete, because they are still being rebuilt after a restart.
    pub(super) fn is_replaying(&self) -> bool {
        self.partitions
            .iter()
            .any(|position| position.next_offset < position.replayed_to)
    }

    /// Runs the stages after merging: computes the rows that are due, writes them, and makes a checkpoint if one is
    /// due.
    pub(super) async fn close_windows(&mut self) -> Result<(), RunError> {
        let mut written = 0;
        if !self.is_replaying()
            && let Some(watermark) = self.watermarks.advance(self.now_ms())
        {
            let emit_every = self.job.spec.emit_every;
            let due = Due {
                corrections: self.corrected.elapsed() >= CORRECTION_INTERVAL,
                early: emit_every.is_some_and(|every| self.emitted_early.elapsed() >= every),
            };
            self.read_table(watermark, due).await?;
            let rows = self.rows(watermark, due)?;
            written = self.write(watermark, rows).await?;
            self.pipeline.retire(watermark);
            if let Some(table) = &self.table {
                table.forget_before(self.job.needed_from(watermark));
            }
            if due.corrections {
                self.corrected = Instant::now();
            }
            if due.early {
                self.emitted_early = Instant::now();
            }
        }
        self.show(written);
        self.dirty |= written > 0;
        self.rows_unsaved |= written > 0;
        if self.dirty && self.is_due() && !self.is_replaying() {
            self.save().await?;
        }
        Ok(())
    }

    /// Reads the table that the query joins up to its current end, if there may be rows to compute.
    async fn read_table(&mut self, watermark: Timestamp, due: Due) -> Result<(), RunError> {
        match &mut self.table {
            Some(table) if self.pipeline.has_due(watermark, due) => table.catch_up().await,
            _ => Ok(()),
        }
    }

    /// The rows of windows that the watermark has passed, and the other rows that are due.
    fn rows(&mut self, watermark: Timestamp, due: Due) -> Result<Vec<Row>, RunError> {
        self.pipeline
            .emit(watermark, due, self.derived.ends())
            .map_err(RunError::writing(&self.job.name))
    }

    /// Writes rows, after everything that has to be written before them. Returns the number of rows.
    async fn write(&mut self, watermark: Timestamp, rows: Vec<Row>) -> Result<u64, RunError> {
        let first_rows = rows.iter().filter(|row| row.revision == 0 && !row.is_early);
        let ends: Vec<_> = first_rows.map(|row| row.window.end).collect();
        if !rows.is_empty() {
            self.before_rows(watermark).await?;
        }
        let records = rows.into_iter().map(|row| (row.key, row.value));
        let written = self.derived.write(records).await?;
        self.job
            .status
            .update(&self.job.name, |status| status.acknowledged(&ends));
        Ok(written)
    }

    /// Whether a checkpoint is due.
    fn is_due(&self) -> bool {
        let elapsed = self.saved.elapsed();
        (self.rows_unsaved && elapsed >= ROWS_INTERVAL)
            || elapsed >= CHECKPOINT_INTERVAL
            || self.pending.len() >= PENDING_MAX
    }

    fn show(&self, written: u64) {
        self.job.status.update(&self.job.name, |status| {
            status.written += written;
            status.watermark = self.watermarks.current();
            status.open = self.pipeline.len();
            status.counted(self.partitions.iter().map(|position| &position.counts));
        });
    }

    /// Writes what must be durable before the rows. After a restart, an event that these rows treat as late
    /// must still be late, and an event counted in a row that can no longer be corrected must not become
    /// late.
    async fn before_rows(&mut self, watermark: Timestamp) -> Result<(), RunError> {
        if !self.pipeline.corrects() {
            self.flush().await?;
            return self.note().await;
        }
        self.dead_letters
            .flush_late(&mut self.pending, Some(watermark))
            .await
    }

    /// Makes a checkpoint and, if one is due, a snapshot before that.
    pub(super) async fn save(&mut self) -> Result<(), RunError> {
        // Late events that the snapshot leaves out must be in `late-events` before the snapshot is written.
        self.flush().await?;
        self.snapshot().await?;
        self.note().await
    }

    async fn flush(&mut self) -> Result<(), RunError> {
        let watermark = self.watermarks.current();
        let late_needed = self.pipeline.has_prior_late();
        self.dead_letters
            .flush(&mut self.pending, watermark, late_needed)
            .await
    }

    /// Makes a checkpoint that refers to the last snapshot.
    async fn note(&mut self) -> Result<(), RunError> {
        let watermark = self.watermarks.current();
        let position = |(partition, position): (Partition, &Position)| PartitionCheckpoint {
            rewind_offset: self.rewind_offset(partition),
            next_offset: position.next_offset.max(position.replayed_to),
            stream_time: self.watermarks.stream_time(partition),
            last_record: position.last_record,
            counts: position.counts.clone(),
        };
        let (rejected_from, late_from) = self.dead_letters.ends();
        let checkpoint = Checkpoint {
            watermark,
            closed_to: self.closed_to,
            partitions: Partition::all()
                .zip(&self.partitions)
                .map(position)
                .collect(),
            derived_from: self.pipeline.derived_from(self.derived.ends()),
            rejected_from,
            late_from,
            snapshot: self.snapshots.last().cloned(),
            definition: Some(Definition::of(&self.job.spec)),
            rules: self.rules.clone(),
        };
        checkpoint
            .save(&mut self.checkpoints, &self.job.name)
            .await?;
        self.saved = Instant::now();
        (self.dirty, self.rows_unsaved) = (false, false);
        self.job
            .status
            .update(&self.job.name, DerivationStatus::saved);
        Ok(())
    }

    fn rewind_offset(&self, partition: Partition) -> Offset {
        let next_offset = self.partitions[partition.index()].next_offset;
        self.pipeline
            .rewind_offset(partition)
            .unwrap_or(next_offset)
    }

    /// Makes a snapshot if a restart would have too many records to read again.
    async fn snapshot(&mut self) -> Result<(), RunError> {
        let partitions = Partition::all().zip(&self.partitions);
        let records = partitions.map(|(partition, position)| {
            let rewind_offset = self.rewind_offset(partition);
            position.next_offset - self.snapshots.start_offset(partition, rewind_offset)
        });
        if !self.snapshots.is_due(records.sum()) {
            return Ok(());
        }
        let bytes = self
            .pipeline
            .snapshot()
            .map_err(RunError::snapshot(&self.job.name))?;
        let next_offsets = self
            .partitions
            .iter()
            .map(|position| position.next_offset)
            .collect();
        self.snapshots.make(&bytes, next_offsets).await?;
        self.pipeline.snapshotted(self.derived.ends());
        Ok(())
    }

    /// Publishes the accounts if they are due, or if `now` is set. Makes a checkpoint first, so that published counts
    /// never decrease after a restart.
    pub(super) async fn account(&mut self, now: bool) -> Result<(), RunError> {
        if self.is_replaying() || !(now || self.accounting.is_due()) {
            return Ok(());
        }
        if self.dirty {
            self.save().await?;
        }
        let watermark = self.watermarks.current();
        self.accounting
            .publish(&mut self.partitions, watermark)
            .await
    }
}
