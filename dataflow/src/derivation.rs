//! The loop of one derivation: partials in, watermark on, rows out, checkpoint.

mod closing;
mod merging;
mod watching;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::accounting::Accounting;
use crate::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::diversion::{Diversion, Pending};
use crate::error::RunError;
use crate::job::Job;
use crate::lease::Lease;
use crate::outlet::Outlet;
use crate::position::Position;
use crate::recovery;
use crate::rules::{self, AdoptedRules, Announced, RuleHistory};
use crate::snapshot::Snapshots;
use crate::source::{Arrival, PARTIALS_AHEAD, Source};
use crate::status::DerivationStatus;
use crate::topics::CHECKPOINTS;
use crate::watermarks::Watermarks;
use crate::windows::AnyWindows;

/// How often silence is looked for. The idle rule's figures are seconds.
const TICK: Duration = Duration::from_millis(200);

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
    snapshots: Snapshots,
    rules: RuleHistory,
    partitions: Vec<Position>,
    /// The one partition that may be read while memory is short.
    only: watch::Sender<Option<usize>>,
    started: Instant,
    corrected: Instant,
    saved: Instant,
    partitions_asked: Instant,
    /// Whether there is anything that no checkpoint says …
    dirty: bool,
    /// … and rows among it.
    rows_unsaved: bool,
}

impl Derivation {
    /// Runs from the last checkpoint until `stop`.
    pub(crate) async fn run(job: Job, stop: &CancellationToken) -> Result<(), RunError> {
        let lease = tokio::select! {
            lease = Lease::acquire(&job.cluster, &job.name, &job.runner, &job.status) => lease?,
            () = stop.cancelled() => return Ok(()),
        };
        let mut derivation = Self::recover(job, lease).await?;
        let (arrivals, mut inbox) = mpsc::channel(PARTIALS_AHEAD);
        let mut tasks = derivation.start_sources(arrivals)?;
        let mut rules = rules::start(&derivation.job, &derivation.rules, &mut tasks);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                arrival = inbox.recv() => match arrival {
                    Some(arrival) => derivation.merge_all(arrival, &mut inbox)?,
                    None => return Err(RunError::TaskEnded(derivation.job.name)),
                },
                news = next_rules(&mut rules), if !derivation.is_replaying() => derivation.adopt(news?).await?,
                _ = ticks.tick() => derivation.tick().await?,
                () = stop.cancelled() => break,
            }
            derivation.close_windows().await?;
            derivation.throttle();
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
        if let Some(definition) = &checkpoint.definition {
            definition.check(&job.name, &job.spec)?;
        }
        checkpoint
            .partitions
            .resize(partitions, PartitionCheckpoint::default());
        let mut windows = job.windows(partitions, &checkpoint.rules)?;
        recovery::restore(&job, &mut checkpoint, windows.as_mut()).await?;
        let derived = Outlet::open(&job.cluster, &job.name).await?;
        let mut diversion =
            Diversion::open(&job.cluster, &job.name, &job.spec.from, job.rejects).await?;
        let standing =
            recovery::read_back(&derived, &mut diversion, &checkpoint, &job.name).await?;
        windows.resume(checkpoint.watermark, standing);
        let now = Instant::now();
        Ok(Self {
            checkpoints: Outlet::open(&job.cluster, CHECKPOINTS).await?,
            snapshots: Snapshots::open(
                &job.cluster,
                &job.name,
                job.runner.id(),
                checkpoint.snapshot.clone(),
            )
            .await?,
            rules: checkpoint.rules.clone(),
            accounting: Accounting::open(&job.cluster, &job.name, &job.spec.from).await?,
            watermarks: recovery::watermarks(&job.spec, &checkpoint),
            partitions: checkpoint
                .partitions
                .into_iter()
                .map(Position::from)
                .collect(),
            pending: Pending::default(),
            only: watch::Sender::default(),
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
            rows_unsaved: false,
        })
    }

    /// Starts to read; reading ends when the returned set is dropped.
    fn start_sources(&self, arrivals: mpsc::Sender<Arrival>) -> Result<JoinSet<()>, RunError> {
        let mut sources = JoinSet::new();
        self.job
            .status
            .update(&self.job.name, DerivationStatus::started);
        for (partition, position) in (0..).zip(&self.partitions) {
            let only = self.only.subscribe();
            let source = Source::of(&self.job, partition, position.next_offset, only);
            sources.spawn(source.shared(&self.job)?.run(arrivals.clone()));
        }
        Ok(sources)
    }

    /// Takes up a new version of the rules. The checkpoint says so before any record goes by it.
    async fn adopt(&mut self, (next_offset, rules): Announced) -> Result<(), RunError> {
        self.rules.next_offset = next_offset;
        if let Some(rules) = rules
            && rules::is_usable(&self.job, &self.rules, &rules)
        {
            let from: Vec<_> = self
                .partitions
                .iter()
                .map(|position| position.next_offset)
                .collect();
            self.windows.adopt(&rules.params(&self.job.spec), &from)?;
            self.rules.adopted.push(AdoptedRules { rules, from });
        }
        self.save().await
    }

    fn now_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }
}

/// The next version of the rules; never, where there is no topic of them.
async fn next_rules(
    rules: &mut Option<mpsc::Receiver<Result<Announced, RunError>>>,
) -> Result<Announced, RunError> {
    let next = match rules {
        Some(rules) => rules.recv().await,
        None => None,
    };
    match next {
        Some(news) => news,
        None => std::future::pending().await,
    }
}
