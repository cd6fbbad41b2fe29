//! Rows out: what the watermark has passed, corrections, and the checkpoint behind them.

use std::time::Duration;

use model::Timestamp;
use tokio::time::Instant;

use super::Derivation;
use crate::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::definition::Definition;
use crate::error::RunError;
use crate::position::Position;
use crate::status::DerivationStatus;

/// Corrections of windows are gathered for this long, so that a stream of late events does not
/// make a revision each.
const CORRECTION_INTERVAL: Duration = Duration::from_secs(1);
/// How much may have to be counted again after a crash, in time, where no window closes meanwhile.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// How long rows may wait for a checkpoint behind them. Where sessions of many keys end all the time,
/// one for each batch of rows would cost more than all else.
const ROWS_INTERVAL: Duration = Duration::from_secs(1);
/// Diverted records that may wait for the next checkpoint before one is made for them.
const PENDING_MAX: usize = 10_000;

impl Derivation {
    /// Whether windows are still being made again after a restart: what they say is not whole yet.
    pub(super) fn is_replaying(&self) -> bool {
        self.partitions
            .iter()
            .any(|position| position.next_offset < position.replayed_to)
    }

    /// Writes what the watermark has passed, and corrections, and notes it.
    pub(super) async fn close_windows(&mut self) -> Result<(), RunError> {
        let mut written = 0;
        let mut watermark = None;
        if !self.is_replaying() {
            watermark = self.watermarks.advance(self.now_ms());
        }
        if let Some(watermark) = watermark {
            let corrections = self.corrected.elapsed() >= CORRECTION_INTERVAL;
            let rows = self
                .windows
                .emit(watermark, corrections, self.derived.ends())
                .map_err(|cause| self.malformed(cause))?;
            let ends: Vec<_> = rows
                .iter()
                .filter(|row| row.revision == 0)
                .map(|row| row.window_end)
                .collect();
            if !rows.is_empty() {
                self.before_rows(watermark).await?;
            }
            written = self
                .derived
                .write(rows.into_iter().map(|row| (row.key, row.value)))
                .await?;
            self.job
                .status
                .update(&self.job.name, |status| status.acknowledged(&ends));
            self.windows.retire(watermark);
            if corrections {
                self.corrected = Instant::now();
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

    /// Whether a checkpoint is.
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
            status.open = self.windows.len();
            status.counted(self.partitions.iter().map(|position| &position.counts));
        });
    }

    /// A restart must not take for accepted what the rows know to be late; nor for late what is in
    /// rows that cannot be corrected.
    async fn before_rows(&mut self, watermark: Timestamp) -> Result<(), RunError> {
        self.lease.ensure().await?;
        if !self.windows.corrects() {
            self.flush().await?;
            return self.note().await;
        }
        let (pending, windows) = (&mut self.pending, self.windows.as_ref());
        self.diversion
            .flush_late(pending, windows, Some(watermark))
            .await
    }

    /// Makes a checkpoint, and a snapshot before it if one is due.
    pub(super) async fn save(&mut self) -> Result<(), RunError> {
        self.lease.ensure().await?;
        // Before the snapshot: what it leaves out as late must stand as late.
        self.flush().await?;
        self.snapshot().await?;
        self.note().await
    }

    async fn flush(&mut self) -> Result<(), RunError> {
        let watermark = self.watermarks.current();
        let (pending, windows) = (&mut self.pending, self.windows.as_ref());
        self.diversion.flush(pending, windows, watermark).await
    }

    /// Makes a checkpoint that names the last snapshot.
    async fn note(&mut self) -> Result<(), RunError> {
        let watermark = self.watermarks.current();
        let position = |(partition, position): (usize, &Position)| PartitionCheckpoint {
            rewind_offset: self.rewind_offset(partition),
            next_offset: position.next_offset.max(position.replayed_to),
            max_event_time: self.watermarks.max_event_time(partition),
            counts: position.counts.clone(),
        };
        let (rejected_from, late_from) = self.diversion.ends();
        let checkpoint = Checkpoint {
            watermark,
            partitions: self.partitions.iter().enumerate().map(position).collect(),
            derived_from: self.windows.derived_from(self.derived.ends()),
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

    fn rewind_offset(&self, partition: usize) -> i64 {
        let next_offset = self.partitions[partition].next_offset;
        self.windows.rewind_offset(partition).unwrap_or(next_offset)
    }

    /// Makes a snapshot if a restart would have too much to read again.
    async fn snapshot(&mut self) -> Result<(), RunError> {
        let partitions = self.partitions.iter().enumerate();
        let records = partitions.map(|(partition, position)| {
            let rewind_offset = self.rewind_offset(partition);
            position.next_offset - self.snapshots.start_offset(partition, rewind_offset)
        });
        if !self.snapshots.is_due(records.sum()) {
            return Ok(());
        }
        let unencodable = |cause| RunError::Snapshot {
            derivation: self.job.name.clone(),
            cause,
        };
        let bytes = self.windows.snapshot().map_err(unencodable)?;
        let next_offsets = self
            .partitions
            .iter()
            .map(|position| position.next_offset)
            .collect();
        self.snapshots.make(&bytes, next_offsets).await?;
        self.windows.snapshotted(self.derived.ends());
        Ok(())
    }

    /// Publishes the accounts, if they are due or `now`. They say what a checkpoint says, so that
    /// they never go back.
    pub(super) async fn account(&mut self, now: bool) -> Result<(), RunError> {
        if self.is_replaying() || !(now || self.accounting.is_due()) {
            return Ok(());
        }
        if self.dirty {
            self.save().await?;
        }
        let watermark = self.watermarks.current();
        self.accounting.publish(&self.partitions, watermark).await
    }

    fn malformed(&self, cause: serde_json::Error) -> RunError {
        RunError::Derived {
            topic: self.job.name.clone(),
            cause,
        }
    }
}
