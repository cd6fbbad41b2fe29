//! Replay: recomputes derivations over the whole history of their sources into topics of their own.
//! Partitions are merged in an order that depends on their contents alone, and each window is
//! written once, when nothing can correct it any more: two replays of one history are equal byte
//! for byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::checkpoint::Checkpoint;
use crate::counts::Counts;
use crate::error::RunError;
use crate::job::Job;
use crate::outlet::Outlet;
use crate::provision::ensure_topic;
use crate::run::Options;
use crate::source::{Arrival, PARTIALS_AHEAD, Source};
use crate::windows::{AnyWindows, Arrived};

/// Replays every derivation of the map into the topic `<derivation>-<suffix>`, over the records that
/// its source holds now. What became of the records of each.
pub async fn replay(options: &Options, suffix: &str) -> Result<BTreeMap<String, Counts>, RunError> {
    let mut counts = BTreeMap::new();
    for (name, spec) in &options.map.derivations {
        let job = Job::new(options, name, spec, None)?;
        counts.insert(
            name.clone(),
            replay_one(&job, &format!("{name}-{suffix}")).await?,
        );
    }
    Ok(counts)
}

async fn replay_one(job: &Job, topic: &str) -> Result<Counts, RunError> {
    ensure_topic(&job.cluster, topic, job.spec.partitions, job.spec.retention).await?;
    let outlet = Outlet::open(&job.cluster, topic).await?;
    if outlet.ends().iter().any(|end| *end > 0) {
        return Err(RunError::ReplayInto(topic.to_owned()));
    }
    let mut sources = JoinSet::new();
    let mut histories = Vec::new();
    for partition in 0..job.cluster.partition_count(&job.spec.from).await? {
        histories.push(History::open(job, partition, &mut sources).await?);
    }
    let checkpoint = Checkpoint::load(&job.cluster, &job.name)
        .await?
        .unwrap_or_default();
    let windows = job.windows(histories.len(), &checkpoint.rules)?;
    let allowed_lateness_ms = job.spec.allowed_lateness.as_millis() as i64;
    let lateness_ms = job.spec.lateness.as_millis() as i64;
    Replay {
        topic: topic.to_owned(),
        windows,
        outlet,
        histories,
        lateness_ms,
        allowed_lateness_ms,
        counts: Counts::default(),
    }
    .run()
    .await
}

/// What one partition holds now, partial by partial.
struct History {
    partials: mpsc::Receiver<Arrival>,
    next_offset: i64,
    end_offset: i64,
    max_event_time: Option<Timestamp>,
}

impl History {
    async fn open(job: &Job, partition: u32, sources: &mut JoinSet<()>) -> Result<Self, RunError> {
        let next_offset = job.cluster.start_offset(&job.spec.from, partition).await?;
        let end_offset = job.cluster.end_offset(&job.spec.from, partition).await?;
        let (sender, partials) = mpsc::channel(PARTIALS_AHEAD);
        if next_offset < end_offset {
            let only = watch::Sender::default().subscribe();
            let source = Source::of(job, partition, next_offset, only);
            sources.spawn(source.run(sender));
        }
        Ok(Self {
            partials,
            next_offset,
            end_offset,
            max_event_time: None,
        })
    }

    fn is_over(&self) -> bool {
        self.next_offset >= self.end_offset
    }

    async fn next(&mut self, derivation: &str) -> Result<Bytes, RunError> {
        match self.partials.recv().await {
            Some((_, partial)) => partial,
            None => Err(RunError::TaskEnded(derivation.to_owned())),
        }
    }
}

struct Replay {
    topic: String,
    windows: Box<dyn AnyWindows>,
    outlet: Outlet,
    histories: Vec<History>,
    lateness_ms: i64,
    allowed_lateness_ms: i64,
    counts: Counts,
}

impl Replay {
    async fn run(mut self) -> Result<Counts, RunError> {
        while let Some(partition) = self.furthest_behind() {
            let partial = self.histories[partition].next(&self.topic).await?;
            self.merge(partition, &partial)?;
            if let Some(watermark) = self.watermark() {
                let last = Timestamp::from_millis(watermark.as_millis() - self.allowed_lateness_ms);
                self.write(last).await?;
                self.windows.retire(watermark);
            }
        }
        self.write(Timestamp::from_millis(i64::MAX)).await?;
        Ok(self.counts)
    }

    /// Of the partitions that have more, the one whose event time is least; of several the first.
    fn furthest_behind(&self) -> Option<usize> {
        let open =
            (0..self.histories.len()).filter(|partition| !self.histories[*partition].is_over());
        open.min_by_key(|partition| self.histories[*partition].max_event_time)
    }

    fn merge(&mut self, partition: usize, partial: &[u8]) -> Result<(), RunError> {
        let unreadable = |cause| RunError::Partial {
            topic: self.topic.clone(),
            partition: partition as u32,
            cause,
        };
        let arrived = Arrived {
            partition,
            replayed_to: 0,
        };
        let merged = self.windows.merge(arrived, partial).map_err(unreadable)?;
        let history = &mut self.histories[partition];
        history.next_offset = merged.header.next_offset;
        history.max_event_time = history.max_event_time.max(merged.header.max_event_time);
        self.counts.add(&merged);
        Ok(())
    }

    /// The least event time of the partitions that have more, less the lateness.
    fn watermark(&self) -> Option<Timestamp> {
        let open = self.histories.iter().filter(|history| !history.is_over());
        let least = open.map(|history| history.max_event_time).min().flatten()?;
        Some(Timestamp::from_millis(least.as_millis() - self.lateness_ms))
    }

    async fn write(&mut self, watermark: Timestamp) -> Result<(), RunError> {
        let malformed = |cause| RunError::Derived {
            topic: self.topic.clone(),
            cause,
        };
        let rows = self
            .windows
            .emit(watermark, false, &[])
            .map_err(malformed)?;
        self.outlet
            .write(rows.into_iter().map(|row| (row.key, row.value)))
            .await
            .map(drop)
    }
}
