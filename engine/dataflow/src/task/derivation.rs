//! The loop of one derivation: merge partials, advance the watermark, write rows, write the checkpoint.

mod closing;
mod merging;
mod watching;

use std::time::Duration;

use client::Partition;
use model::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::durable::checkpoint::Checkpoint;
use crate::durable::recovery;
use crate::durable::snapshot::Snapshots;
use crate::error::RunError;
use crate::lease::Lease;
use crate::pipeline::Pipeline;
use crate::read::partition::{Arrival, PARTIALS_AHEAD};
use crate::read::shared::Starting;
use crate::read::table::JoinedTable;
use crate::rules::{self, Announced};
use crate::sink::accounting::Accounting;
use crate::sink::dead_letters::{DeadLetters, PendingDeadLetters};
use crate::sink::position::Position;
use crate::sink::status::DerivationStatus;
use crate::sink::topic_writer::TopicWriter;
use crate::spec::rule_set::{AdoptedRules, RuleHistory};
use crate::task::job::Job;
use crate::topics::CHECKPOINTS;
use crate::watermarks::Watermarks;

/// How often the loop makes its periodic checks, such as for silent partitions. Idle timeouts are usually several
/// seconds, so more frequent checks would not help.
const TICK: Duration = Duration::from_millis(200);

/// The running state of one derivation.
pub(crate) struct DerivationTask {
    job: Job,
    lease: Lease,
    pipeline: Pipeline,
    /// The table that the derivation's query joins.
    table: Option<JoinedTable>,
    watermarks: Watermarks,
    derived: TopicWriter,
    checkpoints: TopicWriter,
    dead_letters: DeadLetters,
    pending: PendingDeadLetters,
    accounting: Accounting,
    snapshots: Snapshots,
    rules: RuleHistory,
    /// Windows that ended by this time were computed from an earlier log of the source, and stay as they are.
    closed_to: Option<Timestamp>,
    partitions: Vec<Position>,
    /// The one partition that may be read while memory is short; `None` otherwise.
    only: watch::Sender<Option<Partition>>,
    started: Instant,
    corrected: Instant,
    /// The time of the last emission of early rows.
    emitted_early: Instant,
    saved: Instant,
    partitions_asked: Instant,
    /// Whether there are changes that are in no checkpoint yet.
    dirty: bool,
    /// Whether rows have been written since the last checkpoint.
    rows_unsaved: bool,
}

impl DerivationTask {
    /// Acquires the lease, then runs the derivation from its last checkpoint until `stop` is cancelled.
    pub(crate) async fn run(
        job: Job,
        mut starting: Starting,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        let mut on_standby = || {
            starting.suspend();
            job.status
                .update(&job.name, DerivationStatus::wait_as_standby);
        };
        let lease = tokio::select! {
            lease = Lease::acquire(&job.cluster, &job.name, &job.runner, &mut on_standby) => lease?,
            () = stop.cancelled() => return Ok(()),
        };
        starting.resume();
        let checkpoint = match recovery::checkpoint(&job.cluster, &job.name, &job.spec).await {
            Ok(checkpoint) => checkpoint,
            // Releases the lease, because a reset by the operator has to acquire it.
            Err(error) if error.awaits_operator() => {
                lease.release().await?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let mut derivation = Self::recover(job, lease, checkpoint).await?;
        let (arrivals, mut inbox) = mpsc::channel(PARTIALS_AHEAD);
        let mut tasks = derivation.start_sources(arrivals);
        drop(starting);
        let mut rules = rules::start(
            &derivation.job.cluster,
            &derivation.job.spec,
            &derivation.rules,
            &mut tasks,
        );
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
        // While windows are being rebuilt after a restart, no new checkpoint is needed: the last one is still valid.
        if !derivation.is_replaying() {
            derivation.save().await?;
            derivation.account(true).await?;
        }
        derivation.lease.release().await
    }

    /// Restores the state as of the last checkpoint, and reads back what was written after it.
    async fn recover(job: Job, lease: Lease, mut checkpoint: Checkpoint) -> Result<Self, RunError> {
        let table = job.table(checkpoint.watermark).await?;
        let partitions = checkpoint.partitions.len();
        let mut pipeline = job.pipeline(partitions, &checkpoint.rules, table.as_ref())?;
        recovery::restore(&job.cluster, &job.name, &mut checkpoint, &mut pipeline).await?;
        let derived = TopicWriter::leased(&lease, &job.name).await?;
        let locate = job.locate()?;
        let mut dead_letters =
            DeadLetters::open(&lease, &job.spec.from, job.rejects, locate).await?;
        let prior =
            recovery::read_back(&derived, &mut dead_letters, &checkpoint, &job.name).await?;
        pipeline.resume(checkpoint.watermark, checkpoint.closed_to, prior);
        let now = Instant::now();
        Ok(Self {
            checkpoints: TopicWriter::leased(&lease, CHECKPOINTS).await?,
            snapshots: Snapshots::open(&lease, job.runner.id(), checkpoint.snapshot.clone())
                .await?,
            rules: checkpoint.rules.clone(),
            closed_to: checkpoint.closed_to,
            accounting: Accounting::open(&lease, &job.spec.from).await?,
            watermarks: recovery::watermarks(&job.spec, &checkpoint),
            partitions: checkpoint
                .partitions
                .into_iter()
                .map(Position::from)
                .collect(),
            pending: PendingDeadLetters::default(),
            only: watch::Sender::default(),
            job,
            lease,
            pipeline,
            table,
            derived,
            dead_letters,
            started: now,
            corrected: now,
            emitted_early: now,
            saved: now,
            partitions_asked: now,
            dirty: false,
            rows_unsaved: false,
        })
    }

    /// Starts the tasks that read the source. They end when the returned set is dropped.
    fn start_sources(&self, arrivals: mpsc::Sender<Arrival>) -> JoinSet<()> {
        let mut sources = JoinSet::new();
        self.job
            .status
            .update(&self.job.name, DerivationStatus::started);
        for (partition, position) in Partition::all().zip(&self.partitions) {
            let only = self.only.subscribe();
            let source = self.job.source(partition, position.next_offset, only);
            sources.spawn(source.run(arrivals.clone()));
        }
        sources
    }

    /// Adopts a new version of the rules, if it is valid. Writes a checkpoint with the version before any record
    /// is processed with it.
    async fn adopt(&mut self, announced: Announced) -> Result<(), RunError> {
        self.rules.next_offset = announced.next_offset;
        if let Some(rules) = announced.rules
            && rules::is_usable(
                (&self.job.spec, &self.job.registration),
                &self.rules,
                &rules,
            )
        {
            let from: Vec<_> = self
                .partitions
                .iter()
                .map(|position| position.next_offset)
                .collect();
            self.pipeline.adopt(&rules.params(&self.job.spec), &from)?;
            self.rules.adopted.push(AdoptedRules { rules, from });
        }
        self.save().await
    }

    fn now_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }
}

/// Waits for the next version of the rules. Never completes if the derivation has no rules topic.
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
