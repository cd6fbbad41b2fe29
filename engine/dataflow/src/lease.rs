//! Leases: one runner of a derivation writes, the others wait. Fluvio has no locks, so the order of lease records in
//! one partition decides. A claim names the holder that it supersedes, and counts only if that runner still holds
//! the lease. A holder whose process has died on this host is superseded after about two seconds. A holder that is
//! only silent is superseded once it can no longer write.

mod held;
mod holder;
mod liveness_lock;
mod log;
mod runner;
mod waiting;

use std::time::Duration;

use client::{ANSWER_DEADLINE, Cluster, Producer};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::debug;

use self::held::Held;
use self::holder::Kind;
use self::log::{append, confirm};
pub(crate) use self::runner::Runner;
use self::waiting::wait_for;
use crate::error::RunError;
use crate::topics::LEASES;

/// How often a holder appends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A holder whose last acknowledged heartbeat is this old may write only after it has checked that it still holds
/// the lease.
const WRITE_DEADLINE: Duration = Duration::from_secs(2);
/// A holder whose last heartbeat is this old is superseded. By then, every write that it began before the write
/// deadline has completed or timed out.
const TAKEOVER: Duration =
    Duration::from_secs(WRITE_DEADLINE.as_secs() + ANSWER_DEADLINE.as_secs() + 1);

/// A lease that this runner holds. [`Lease::release`] makes it available to other runners at once. A lease that is
/// dropped without a release is available to them once its last heartbeat is [`TAKEOVER`] old.
///
/// - While one runner holds the lease of a derivation, no other runner writes for it.
/// - Once [`WRITE_DEADLINE`] has passed without an acknowledged heartbeat, a holder writes nothing until it has
///   checked that it still holds the lease.
/// - A holder is superseded only when none of its writes can be in flight any more.
///
/// There are two exceptions. A process that is suspended between the check and its write, for longer than [`TAKEOVER`],
/// still executes this one write. And a server may execute a write of a dead runner only after the successor has read
/// back the output; if both runners were on the same host, a delay of more than 1.5 s is enough.
pub(crate) struct Lease {
    fence: Fence,
    heartbeats: JoinHandle<()>,
}

/// Blocks a runner's writes unless the runner holds the lease. Clones share the state of the lease, so all of them
/// allow or block writes alike. After the lease is released, nothing may be written.
#[derive(Clone)]
pub(crate) struct Fence {
    cluster: Cluster,
    derivation: String,
    runner: Runner,
    producer: Producer,
    held: Held,
}

impl Lease {
    /// Waits until `runner` holds the lease of `derivation`. Calls `on_standby` once if another runner holds it.
    pub(crate) async fn acquire(
        cluster: &Cluster,
        derivation: &str,
        runner: &Runner,
        on_standby: &mut (dyn FnMut() + Send),
    ) -> Result<Self, RunError> {
        let producer = cluster.producer(LEASES).await?;
        loop {
            wait_for(cluster, &producer, derivation, runner, on_standby).await?;
            if let Some(confirmed) = confirm(cluster, &producer, derivation, runner.id()).await? {
                debug!(derivation, runner = runner.id(), "holds the lease");
                return Ok(Self::hold(cluster, derivation, runner, producer, confirmed));
            }
        }
    }

    fn hold(
        cluster: &Cluster,
        derivation: &str,
        runner: &Runner,
        producer: Producer,
        confirmed: Instant,
    ) -> Self {
        let fence = Fence {
            cluster: cluster.clone(),
            derivation: derivation.to_owned(),
            runner: runner.clone(),
            producer,
            held: Held::since(confirmed),
        };
        let heartbeats = tokio::spawn(beat(fence.clone()));
        Self { fence, heartbeats }
    }

    /// The cluster in which the lease is held.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.fence.cluster
    }

    /// The derivation whose output the holder may write.
    pub(crate) fn derivation(&self) -> &str {
        &self.fence.derivation
    }

    /// Returns a fence, to be passed before each write.
    pub(crate) fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Releases the lease, so that the next runner does not have to wait.
    pub(crate) async fn release(mut self) -> Result<(), RunError> {
        self.heartbeats.abort();
        // No heartbeat may be sent after the release.
        let _cancelled = (&mut self.heartbeats).await;
        let Fence {
            producer,
            derivation,
            runner,
            ..
        } = &self.fence;
        append(producer, derivation, runner.id(), Kind::Release).await
    }
}

impl Fence {
    /// Ensures that the lease does not expire during the next request to write. If the last acknowledged heartbeat is
    /// too old, appends a new one and checks the holder, and repeats this until it takes less than [`WRITE_DEADLINE`].
    /// So a slow cluster only delays the writes, and the state in memory remains valid. Returns an error if another
    /// runner holds the lease.
    pub(crate) async fn pass(&self) -> Result<(), RunError> {
        while !self.held.allows_a_write(Instant::now()) {
            let confirmed = confirm(
                &self.cluster,
                &self.producer,
                &self.derivation,
                self.runner.id(),
            )
            .await?;
            let lost = || RunError::LeaseLost(self.derivation.clone());
            self.held.confirmed(confirmed.ok_or_else(lost)?);
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

/// Appends a heartbeat every [`HEARTBEAT`] until the task is aborted, and notes each acknowledged one.
async fn beat(fence: Fence) {
    let Fence {
        derivation, runner, ..
    } = &fence;
    let mut ticks = interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refreshed = Instant::now();
    loop {
        ticks.tick().await;
        if refreshed.elapsed() >= liveness_lock::REFRESH {
            runner.refresh();
            refreshed = Instant::now();
        }
        let sent = Instant::now();
        match append(&fence.producer, derivation, runner.id(), Kind::Heartbeat).await {
            Ok(()) => fence.held.acknowledged(sent, Instant::now()),
            Err(error) => debug!(derivation, %error, "heartbeat"),
        }
    }
}
