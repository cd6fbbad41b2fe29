//! The loop of one derivation: partials in, watermark on, rows out, checkpoint.

use std::time::Duration;

use client::SmartModule;
use model::Timestamp;
use model::partial::BatchHeader;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::error::RunError;
use crate::provision::CHECKPOINTS;
use crate::run::Job;
use crate::sink::Sink;
use crate::source::{Arrival, PARTIALS_AHEAD, Source};
use crate::watermarks::Watermarks;
use crate::windows::{AnyWindows, Merged, Row};

/// How often silence is looked for. The idle rule's figures are seconds.
const TICK: Duration = Duration::from_millis(200);
/// How much may have to be read again after a crash, in time, where no window closes meanwhile.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// One derivation at work.
pub(crate) struct Derivation {
    job: Job,
    windows: Box<dyn AnyWindows>,
    watermarks: Watermarks,
    sink: Sink,
    checkpoints: client::Producer,
    /// Next offset of each partition, as merged.
    next_offsets: Vec<i64>,
    /// Records before these offsets were counted before a restart.
    replayed_to: Vec<i64>,
    closed_to: Option<Timestamp>,
    started: Instant,
    saved: Instant,
    dirty: bool,
}

impl Derivation {
    /// Runs from the last checkpoint until `stop`.
    pub(crate) async fn run(job: Job, stop: &CancellationToken) -> Result<(), RunError> {
        let (mut derivation, checkpoint) = Self::recover(job).await?;
        let (arrivals, mut inbox) = mpsc::channel(PARTIALS_AHEAD);
        let _sources = derivation.start_sources(&checkpoint, arrivals);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                arrival = inbox.recv() => match arrival {
                    Some(arrival) => derivation.merge(arrival)?,
                    None => return Err(RunError::TaskEnded(derivation.job.name)),
                },
                _ = ticks.tick() => derivation.look_for_silence().await?,
                () = stop.cancelled() => break,
            }
            derivation.close_windows().await?;
        }
        derivation.save().await
    }

    /// The state as of the last checkpoint.
    async fn recover(job: Job) -> Result<(Self, Checkpoint), RunError> {
        let partitions = job.cluster.partition_count(&job.spec.from).await? as usize;
        let stored = Checkpoint::load(&job.cluster, &job.name).await?;
        let sink = Sink::open(
            &job.cluster,
            &job.name,
            stored
                .as_ref()
                .map(|checkpoint| checkpoint.derived_ends.as_slice()),
        )
        .await?;
        let mut checkpoint = stored.unwrap_or_default();
        checkpoint
            .partitions
            .resize(partitions, PartitionCheckpoint::default());
        let mut windows = job.registration.windows(&job.spec.params(), partitions)?;
        checkpoint
            .watermark
            .into_iter()
            .for_each(|watermark| windows.resume(watermark));
        let watermarks = Watermarks::new(
            job.spec.lateness.as_millis() as i64,
            job.spec.idle_timeout.as_millis() as i64,
            checkpoint
                .partitions
                .iter()
                .map(|partition| partition.max_event_time),
            checkpoint.watermark,
            0,
        );
        let derivation = Self {
            checkpoints: job.cluster.producer(CHECKPOINTS).await?,
            windows,
            watermarks,
            sink,
            next_offsets: checkpoint
                .partitions
                .iter()
                .map(|partition| partition.rewind_offset)
                .collect(),
            replayed_to: checkpoint
                .partitions
                .iter()
                .map(|partition| partition.next_offset)
                .collect(),
            closed_to: checkpoint.watermark,
            started: Instant::now(),
            saved: Instant::now(),
            dirty: false,
            job,
        };
        Ok((derivation, checkpoint))
    }

    /// Starts to read; reading ends when the returned set is dropped.
    fn start_sources(
        &self,
        checkpoint: &Checkpoint,
        arrivals: mpsc::Sender<Arrival>,
    ) -> tokio::task::JoinSet<()> {
        let mut sources = tokio::task::JoinSet::new();
        for (partition, position) in (0..).zip(&checkpoint.partitions) {
            let source = Source {
                cluster: self.job.cluster.clone(),
                topic: self.job.spec.from.clone(),
                partition,
                // The very bytes that this runner was built with, whatever the cluster knows by the name.
                module: SmartModule::AdHoc(self.job.module.clone()),
                params: self.job.spec.param_texts(),
                next_offset: position.rewind_offset,
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
        let unreadable = |cause| RunError::Partial {
            topic: self.job.spec.from.clone(),
            partition: partition as u32,
            cause,
        };
        let replayed_to = self.replayed_to[partition];
        let Merged { header, late } = self
            .windows
            .merge(partition, &partial, replayed_to)
            .map_err(unreadable)?;
        self.watermarks
            .heard(partition, header.max_event_time, self.now_ms());
        self.next_offsets[partition] = header.next_offset;
        self.dirty = true;
        if header.next_offset > replayed_to {
            self.count(&header, late);
        }
        Ok(())
    }

    fn count(&self, header: &BatchHeader, late: u64) {
        self.job.status.update(&self.job.name, |status| {
            status.read += (header.next_offset - header.first_offset) as u64;
            status.accepted += header.accepted;
            status.late += late;
            status.partials += 1;
            for (_, reason) in &header.rejected {
                *status.rejected.entry(*reason).or_default() += 1;
            }
        });
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
            if self.next_offsets[partition] >= end {
                debug!(derivation = self.job.name, partition, "idle");
                self.watermarks.set_idle(partition);
            }
        }
        Ok(())
    }

    /// Writes the windows that the watermark has passed, and notes it.
    async fn close_windows(&mut self) -> Result<(), RunError> {
        let watermark = self.watermarks.advance(self.now_ms());
        let mut written = 0;
        if let Some(watermark) = watermark.filter(|watermark| Some(*watermark) > self.closed_to) {
            let rows = self
                .windows
                .close(watermark)
                .map_err(|cause| self.malformed(cause))?;
            self.closed_to = Some(watermark);
            written = self.write(rows).await?;
        }
        self.job.status.update(&self.job.name, |status| {
            status.written += written;
            status.watermark = watermark;
            status.open = self.windows.open();
            status.next_offsets.clone_from(&self.next_offsets);
        });
        if self.dirty && (written > 0 || self.saved.elapsed() >= CHECKPOINT_INTERVAL) {
            self.save().await?;
        }
        Ok(())
    }

    async fn write(&mut self, rows: Vec<Row>) -> Result<u64, RunError> {
        if rows.is_empty() {
            Ok(0)
        } else {
            self.sink.write(rows).await
        }
    }

    async fn save(&mut self) -> Result<(), RunError> {
        let position = |(partition, next_offset): (usize, &i64)| PartitionCheckpoint {
            rewind_offset: self
                .windows
                .rewind_offset(partition)
                .unwrap_or(*next_offset),
            next_offset: (*next_offset).max(self.replayed_to[partition]),
            max_event_time: self.watermarks.max_event_time(partition),
        };
        let checkpoint = Checkpoint {
            watermark: self.closed_to,
            partitions: self.next_offsets.iter().enumerate().map(position).collect(),
            derived_ends: self.sink.ends().await?,
        };
        checkpoint.save(&self.checkpoints, &self.job.name).await?;
        (self.saved, self.dirty) = (Instant::now(), false);
        Ok(())
    }

    fn malformed(&self, cause: serde_json::Error) -> RunError {
        RunError::Derived {
            topic: self.job.name.clone(),
            cause,
        }
    }
}
