//! Replay: recomputes derivations over the whole history of their sources, into separate topics. Batches
//! are merged in an order that depends only on the contents of the partitions, and each window is written once,
//! when nothing can correct it any more. Two replays of one history are therefore equal byte for byte.

mod schedule;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use client::{Offset, OffsetRange, Partition};
use model::Timestamp;
use model::partial::BatchHeader;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::covered::Covered;
use crate::durable::checkpoint::Checkpoint;
use crate::error::RunError;
use crate::pipeline::{Arrived, Pipeline};
use crate::progress::Progress;
use crate::read::partition::{Arrival, PARTIALS_AHEAD};
use crate::read::shared::SharedReaders;
use crate::sink::counts::Counts;
use crate::sink::dead_letters::{DeadLetters, PendingDeadLetters};
use crate::sink::topic_writer::TopicWriter;
use crate::spec::provision::ensure_topic;
use crate::task::job::Job;
use crate::task::options::Options;
use crate::topics::LATE_EVENTS;
use crate::windows::Due;
pub(crate) use schedule::{Scan, Schedule};

/// The number of batches with late records that may wait to be written.
const PENDING_MAX: usize = 1_000;

/// Replays every derivation of the dataflow file into the topic `<derivation>-<suffix>`, over the records that its
/// source contains now. Returns the record counts of each derivation. `progress` counts each record of a derivation
/// twice, because a replay reads it twice.
pub async fn replay(
    options: &Options,
    suffix: &str,
    progress: &Progress,
) -> Result<BTreeMap<String, Counts>, RunError> {
    for spec in options.dataflow.derivations.values() {
        for partition in Partition::of(options.cluster.partition_count(&spec.from).await?) {
            let offsets = options.cluster.offsets(&spec.from, partition).await?;
            progress.add_total(2 * offsets.records());
        }
    }
    let mut counts = BTreeMap::new();
    for (name, spec) in &options.dataflow.derivations {
        let job = Job::new(options, name, spec, &SharedReaders::default())?;
        counts.insert(name.clone(), replay_one(job, suffix, progress).await?);
    }
    Ok(counts)
}

async fn replay_one(mut job: Job, suffix: &str, progress: &Progress) -> Result<Counts, RunError> {
    let lateness = job.spec.lateness + job.spec.allowed_lateness;
    // A replay never corrects a closed window. Instead it adds the allowed lateness to the lateness, so windows
    // close later.
    job.spec.allowed_lateness = Duration::ZERO;
    let topic = format!("{}-{suffix}", job.name);
    ensure_topic(
        &job.cluster,
        &topic,
        job.spec.partitions,
        job.spec.retention,
    )
    .await?;
    let writer = TopicWriter::open(&job.cluster, &topic).await?;
    if writer.ends().iter().any(|end| *end > Offset::ZERO) {
        return Err(RunError::ReplayInto(topic));
    }
    let partitions = job.cluster.partition_count(&job.spec.from).await?;
    let mut scans = Vec::new();
    for partition in Partition::of(partitions) {
        scans.push(scan(&job, partition, progress).await?);
    }
    let mut sources = JoinSet::new();
    let histories = Partition::all()
        .zip(&scans)
        .map(|(partition, (offsets, _))| open(&job, partition, *offsets, &mut sources))
        .collect();
    let checkpoint = Checkpoint::load(&job.cluster, &job.name)
        .await?
        .unwrap_or_default();
    let table = job.table(None).await?;
    Replay {
        suffix: suffix.to_owned(),
        topic,
        pipeline: job.pipeline(scans.len(), &checkpoint.rules, table.as_ref())?,
        writer,
        schedule: Schedule::new(scans, lateness.as_millis() as i64),
        histories,
        job,
        pending: PendingDeadLetters::default(),
        progress: progress.clone(),
        counts: Counts::default(),
    }
    .run()
    .await
}

type Partials = mpsc::Receiver<Arrival>;

/// Starts to read the partition from the start of `offsets`, unless `offsets` is empty.
fn open(
    job: &Job,
    partition: Partition,
    offsets: OffsetRange,
    sources: &mut JoinSet<()>,
) -> Partials {
    let (sender, partials) = mpsc::channel(PARTIALS_AHEAD);
    if !offsets.is_empty() {
        let only = watch::Sender::default().subscribe();
        let source = job.source(partition, offsets.start, only);
        sources.spawn(source.run(sender));
    }
    partials
}

async fn next(partials: &mut Partials, derivation: &str) -> Result<Bytes, RunError> {
    match partials.recv().await {
        Some(arrival) => arrival.partial,
        None => Err(RunError::TaskEnded(derivation.to_owned())),
    }
}

/// Reads a partition once to find the event times of its batches.
async fn scan(
    job: &Job,
    partition: Partition,
    progress: &Progress,
) -> Result<(OffsetRange, Scan), RunError> {
    let offsets = job.cluster.offsets(&job.spec.from, partition).await?;
    let mut sources = JoinSet::new();
    let mut partials = open(job, partition, offsets, &mut sources);
    let (mut scan, mut next_offset) = (Scan::default(), offsets.start);
    while next_offset < offsets.end {
        let partial = next(&mut partials, &job.name).await?;
        let header =
            BatchHeader::decode(&partial).map_err(RunError::partial(&job.spec.from, partition))?;
        let end = header.offsets().end;
        progress.add_done((end - next_offset) as u64);
        next_offset = end;
        scan.add(&header);
    }
    Ok((offsets, scan))
}

/// The replay of one derivation, after all partitions have been scanned.
struct Replay {
    job: Job,
    suffix: String,
    topic: String,
    pipeline: Pipeline,
    writer: TopicWriter,
    schedule: Schedule,
    histories: Vec<Partials>,
    pending: PendingDeadLetters,
    progress: Progress,
    counts: Counts,
}

impl Replay {
    async fn run(mut self) -> Result<Counts, RunError> {
        let mut written_to = Timestamp::MIN;
        while let Some(partition) = self.schedule.next() {
            let partial = next(&mut self.histories[partition.index()], &self.job.name).await?;
            self.merge(partition, &partial)?;
            let is_short = self.pipeline.len() > self.job.spec.entries_max / 2;
            let closed_to = self.schedule.closed_to(is_short);
            if closed_to > written_to {
                self.write(closed_to).await?;
                self.pipeline.retire(closed_to);
                written_to = closed_to;
            }
            if self.pending.len() >= PENDING_MAX {
                self.keep_late().await?;
            }
        }
        self.write(Timestamp::MAX).await?;
        self.keep_late().await?;
        Ok(self.counts)
    }

    fn merge(&mut self, partition: Partition, partial: &[u8]) -> Result<(), RunError> {
        let arrived = Arrived {
            partition,
            replayed_to: Offset::ZERO,
        };
        let merged = self.pipeline.merge(arrived, partial);
        let source = &self.job.spec.from;
        let merged = merged.map_err(RunError::partial(source, partition))?;
        self.schedule.merged(partition, &merged.header);
        let offsets = merged.header.offsets();
        self.progress.add_done(offsets.records());
        self.counts
            .add(&merged.header, merged.late, merged.duplicate);
        if !merged.late_places.is_empty() {
            self.pending.late(partition, offsets, merged.late_places);
        }
        Ok(())
    }

    async fn write(&mut self, closed_to: Timestamp) -> Result<(), RunError> {
        let rows = self
            .pipeline
            .emit(closed_to, Due::default(), &[])
            .map_err(RunError::writing(&self.topic))?;
        self.writer
            .write(rows.into_iter().map(|row| (row.key, row.value)))
            .await
            .map(drop)
    }

    /// Writes the pending late events to the topic `late-events-SUFFIX`.
    async fn keep_late(&mut self) -> Result<(), RunError> {
        if self.pending.len() == 0 {
            return Ok(());
        }
        let cluster = &self.job.cluster;
        let topic = format!("{LATE_EVENTS}-{}", self.suffix);
        ensure_topic(cluster, &topic, 1, None).await?;
        let late = TopicWriter::open(cluster, &topic).await?;
        let (name, source) = (&self.job.name, &self.job.spec.from);
        let mut dead_letters = DeadLetters::into(cluster, name, source, late, self.job.locate()?);
        dead_letters.flush_late(&mut self.pending, None).await
    }
}
