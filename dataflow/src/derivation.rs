//! The loop of one derivation: partials in, watermark on, rows out, checkpoint.

use std::time::Duration;

use client::SmartModule;
use model::partial::BatchHeader;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::accounting::Accounting;
use crate::checkpoint::{Checkpoint, Counts, PartitionCheckpoint};
use crate::diversion::{Diversion, Pending};
use crate::error::RunError;
use crate::job::Job;
use crate::lease::Lease;
use crate::outlet::Outlet;
use crate::provision::CHECKPOINTS;
use crate::recovery;
use crate::source::{Arrival, PARTIALS_AHEAD, Source};
use crate::status::DerivationStatus;
use crate::watermarks::Watermarks;
use crate::windows::{AnyWindows, Arrived, Merged};

/// How often silence is looked for. The idle rule's figures are seconds.
const TICK: Duration = Duration::from_millis(200);
/// Corrections of windows are gathered for this long, so that a stream of late events does not
/// make a revision each.
const CORRECTION_INTERVAL: Duration = Duration::from_secs(1);
/// How much may have to be counted again after a crash, in time, where no window closes meanwhile.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
/// Diverted records that may wait for the next checkpoint before one is made for them.
const PENDING_MAX: usize = 10_000;
/// How often a source is asked whether it has more partitions.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(5);

/// One derivation at work.
pub(crate) struct Derivation {
    job: Job,
    lease: Lease,
    windows: Box<dyn AnyWindows>,
    watermarks: Watermarks,
    derived: Outlet,
    checkpoints: Outlet,
    diversion: Diversion,
    pending: Pending,
    accounting: Accounting,
    partitions: Vec<Position>,
    started: Instant,
    corrected: Instant,
    saved: Instant,
    partitions_asked: Instant,
    dirty: bool,
}

/// How far one source partition has come.
pub(crate) struct Position {
    /// The next offset to merge.
    pub(crate) next_offset: i64,
    /// Records before this offset were counted before a restart.
    pub(crate) replayed_to: i64,
    pub(crate) counts: Counts,
}

impl Derivation {
    /// Runs from the last checkpoint until `stop`.
    pub(crate) async fn run(job: Job, stop: &CancellationToken) -> Result<(), RunError> {
        let lease = tokio::select! {
            lease = Lease::acquire(&job.cluster, &job.name, &job.runner) => lease?,
            () = stop.cancelled() => return Ok(()),
        };
        let mut derivation = Self::recover(job, lease).await?;
        let (arrivals, mut inbox) = mpsc::channel(PARTIALS_AHEAD);
        let _sources = derivation.start_sources(arrivals);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                arrival = inbox.recv() => match arrival {
                    Some(arrival) => derivation.merge(arrival)?,
                    None => return Err(RunError::TaskEnded(derivation.job.name)),
                },
                _ = ticks.tick() => derivation.tick().await?,
                () = stop.cancelled() => break,
            }
            derivation.close_windows().await?;
        }
        // In the middle of a replay the last checkpoint still says all there is to say.
        if !derivation.is_replaying() {
            derivation.save().await?;
            derivation.account(true).await?;
        }
        derivation.lease.release().await
    }

    /// The state as of the last checkpoint, and what was written behind it.
    async fn recover(job: Job, lease: Lease) -> Result<Self, RunError> {
        let partitions = job.cluster.partition_count(&job.spec.from).await? as usize;
        let stored = Checkpoint::load(&job.cluster, &job.name).await?;
        let mut checkpoint = stored.unwrap_or_default();
        checkpoint
            .partitions
            .resize(partitions, PartitionCheckpoint::default());
        let derived = Outlet::open(&job.cluster, &job.name).await?;
        let mut diversion =
            Diversion::open(&job.cluster, &job.name, &job.spec.from, job.rejects).await?;
        let standing =
            recovery::read_back(&derived, &mut diversion, &checkpoint, &job.name).await?;
        let mut windows = job.windows(partitions)?;
        windows.resume(checkpoint.watermark, standing);
        let now = Instant::now();
        Ok(Self {
            checkpoints: Outlet::open(&job.cluster, CHECKPOINTS).await?,
            accounting: Accounting::open(&job.cluster, &job.name, &job.spec.from).await?,
            watermarks: recovery::watermarks(&job.spec, &checkpoint),
            partitions: checkpoint
                .partitions
                .into_iter()
                .map(Position::from)
                .collect(),
            pending: Pending::default(),
            job,
            lease,
            windows,
            derived,
            diversion,
            started: now,
            corrected: now,
            saved: now,
            partitions_asked: now,
            dirty: false,
        })
    }

    /// Starts to read; reading ends when the returned set is dropped.
    fn start_sources(&self, arrivals: mpsc::Sender<Arrival>) -> tokio::task::JoinSet<()> {
        let mut sources = tokio::task::JoinSet::new();
        self.job
            .status
            .update(&self.job.name, DerivationStatus::started);
        for (partition, position) in (0..).zip(&self.partitions) {
            let source = Source {
                cluster: self.job.cluster.clone(),
                topic: self.job.spec.from.clone(),
                partition,
                // The very bytes that this runner was built with, whatever the cluster knows by the name.
                module: SmartModule::AdHoc(self.job.module.clone()),
                params: self.job.spec.param_texts(),
                next_offset: position.next_offset,
                derivation: self.job.name.clone(),
                status: self.job.status.clone(),
            };
            sources.spawn(source.run(arrivals.clone()));
        }
        sources
    }

    fn now_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }

    fn merge(&mut self, (partition, arrival): Arrival) -> Result<(), RunError> {
        let partial = arrival?;
        let position = &mut self.partitions[partition];
        let arrived = Arrived {
            partition,
            replayed_to: position.replayed_to,
        };
        let unreadable = |cause| RunError::Partial {
            topic: self.job.spec.from.clone(),
            partition: partition as u32,
            cause,
        };
        let merged = self.windows.merge(arrived, &partial).map_err(unreadable)?;
        position.next_offset = merged.header.next_offset;
        let counts_anew = merged.header.next_offset > position.replayed_to;
        if counts_anew {
            position.counts.add(&merged);
        }
        self.watermarks
            .heard(partition, merged.header.max_event_time, self.now_ms());
        self.dirty = true;
        if counts_anew {
            self.divert(partition, merged);
        }
        self.job
            .status
            .update(&self.job.name, DerivationStatus::merged);
        Ok(())
    }

    /// Remembers the records whose payload is to be kept.
    fn divert(
        &mut self,
        partition: usize,
        Merged {
            header,
            late_windows,
            ..
        }: Merged,
    ) {
        for (delta, _) in &header.rejected {
            self.pending
                .reject(partition, header.first_offset + i64::from(*delta));
        }
        if !late_windows.is_empty() {
            self.pending.late(
                partition,
                header.first_offset..header.next_offset,
                late_windows,
            );
        }
    }

    async fn tick(&mut self) -> Result<(), RunError> {
        self.look_for_silence().await?;
        if self.partitions_asked.elapsed() >= PARTITIONS_INTERVAL {
            self.partitions_asked = Instant::now();
            self.look_for_partitions().await?;
        }
        self.account(false).await
    }

    /// A partition is idle once it has been silent for the timeout and nothing in it waits to be
    /// read: a slow reader is not a silent source.
    async fn look_for_silence(&mut self) -> Result<(), RunError> {
        for partition in self.watermarks.silent(self.now_ms()) {
            let end = match self
                .job
                .cluster
                .end_offset(&self.job.spec.from, partition as u32)
                .await
            {
                Ok(end) => end,
                Err(error) if error.is_retryable() => continue, // asked again at the next tick
                Err(error) => return Err(error.into()),
            };
            if self.partitions[partition].next_offset >= end {
                debug!(derivation = self.job.name, partition, "idle");
                self.watermarks.set_idle(partition);
            }
        }
        Ok(())
    }

    /// A source that has grown is read anew, all partitions of it, from a checkpoint.
    async fn look_for_partitions(&mut self) -> Result<(), RunError> {
        let asked = self.job.cluster.partition_count(&self.job.spec.from).await;
        let trouble = asked.as_ref().err().map(ToString::to_string);
        self.job
            .status
            .update(&self.job.name, |status| status.trouble = trouble);
        match asked {
            Ok(found) if found as usize > self.partitions.len() && !self.is_replaying() => {
                self.save().await?;
                Err(RunError::PartitionsGrown {
                    topic: self.job.spec.from.clone(),
                    partitions: found,
                })
            }
            Err(error) if !error.is_retryable() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Whether windows are still being made again after a restart: what they say is not whole yet.
    fn is_replaying(&self) -> bool {
        self.partitions
            .iter()
            .any(|position| position.next_offset < position.replayed_to)
    }

    /// Writes what the watermark has passed, and corrections, and notes it.
    async fn close_windows(&mut self) -> Result<(), RunError> {
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
                self.lease.check()?;
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
        let due = written > 0
            || self.saved.elapsed() >= CHECKPOINT_INTERVAL
            || self.pending.len() >= PENDING_MAX;
        if self.dirty && due && !self.is_replaying() {
            self.save().await?;
        }
        Ok(())
    }

    fn show(&self, written: u64) {
        self.job.status.update(&self.job.name, |status| {
            status.written += written;
            status.watermark = self.watermarks.current();
            status.open = self.windows.len();
            status.counted(self.partitions.iter().map(|position| &position.counts));
        });
    }

    async fn save(&mut self) -> Result<(), RunError> {
        self.lease.check()?;
        let watermark = self.watermarks.current();
        self.diversion
            .flush(&mut self.pending, self.windows.as_ref(), watermark)
            .await?;
        let position = |(partition, position): (usize, &Position)| PartitionCheckpoint {
            rewind_offset: self
                .windows
                .rewind_offset(partition)
                .unwrap_or(position.next_offset),
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
        };
        checkpoint
            .save(&mut self.checkpoints, &self.job.name)
            .await?;
        (self.saved, self.dirty) = (Instant::now(), false);
        self.job
            .status
            .update(&self.job.name, DerivationStatus::saved);
        Ok(())
    }

    async fn account(&mut self, now: bool) -> Result<(), RunError> {
        self.accounting
            .publish(now, &self.partitions, self.watermarks.current())
            .await
    }

    fn malformed(&self, cause: serde_json::Error) -> RunError {
        RunError::Derived {
            topic: self.job.name.clone(),
            cause,
        }
    }
}

impl From<PartitionCheckpoint> for Position {
    fn from(checkpoint: PartitionCheckpoint) -> Self {
        Self {
            next_offset: checkpoint.rewind_offset,
            replayed_to: checkpoint.next_offset,
            counts: checkpoint.counts,
        }
    }
}

impl Counts {
    fn add(
        &mut self,
        Merged {
            header,
            late,
            duplicate,
            ..
        }: &Merged,
    ) {
        let BatchHeader {
            first_offset,
            next_offset,
            accepted,
            rejected,
            ..
        } = header;
        self.read += (next_offset - first_offset) as u64;
        self.accepted += accepted - late - duplicate;
        self.late += late;
        self.duplicate += duplicate;
        for (_, reason) in rejected {
            *self.rejected.entry(*reason).or_default() += 1;
        }
    }
}
