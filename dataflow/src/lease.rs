//! Leases: of several runners of one derivation only one writes; the others wait. Fluvio has no
//! locks, so the order of records in one partition decides: a claim names the holder that it
//! supersedes, and counts only if that one still holds. A holder that has died on this host is
//! superseded soon, one that is merely silent once it cannot write any more.

mod book;
mod holder;
mod presence;
mod runner;
mod waiting;

use std::time::Duration;

use client::{ANSWER_DEADLINE, Cluster, Producer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::debug;

use self::book::{confirm, say};
use self::holder::Kind;
pub(crate) use self::runner::Runner;
use self::waiting::wait_for;
use crate::error::RunError;
use crate::status::StatusBoard;
use crate::topics::LEASES;

/// How often a holder says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A holder that could not say so for this long must not write any more …
const WRITE_DEADLINE: Duration = Duration::from_secs(2);
/// … and one that has not been heard for this long is superseded: what it began to write in time
/// has been answered or given up by then.
const TAKEOVER: Duration =
    Duration::from_secs(WRITE_DEADLINE.as_secs() + ANSWER_DEADLINE.as_secs() + 1);

/// A lease that is held. Dropped, it runs out; [`Lease::release`] gives it back at once.
pub(crate) struct Lease {
    cluster: Cluster,
    derivation: String,
    runner: Runner,
    producer: Producer,
    /// When the last heartbeat was sent that the cluster has acknowledged.
    heard: watch::Receiver<Instant>,
    heartbeats: JoinHandle<()>,
}

impl Lease {
    /// Waits until `runner` holds the lease of `derivation`.
    pub(crate) async fn acquire(
        cluster: &Cluster,
        derivation: &str,
        runner: &Runner,
        status: &StatusBoard,
    ) -> Result<Self, RunError> {
        let producer = cluster.producer(LEASES).await?;
        loop {
            wait_for(cluster, &producer, derivation, runner, status).await?;
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
        let (sender, heard) = watch::channel(confirmed);
        let heartbeats = tokio::spawn(beat(
            producer.clone(),
            derivation.to_owned(),
            runner.clone(),
            sender,
        ));
        Self {
            cluster: cluster.clone(),
            derivation: derivation.to_owned(),
            runner: runner.clone(),
            producer,
            heard,
            heartbeats,
        }
    }

    /// Makes sure that the lease does not run out while something is written now. Where the cluster
    /// was silent for a while, it is asked who holds the lease; an error if another one does.
    pub(crate) async fn ensure(&self) -> Result<(), RunError> {
        if self.heard.borrow().elapsed() < WRITE_DEADLINE {
            return Ok(());
        }
        let confirmed = confirm(
            &self.cluster,
            &self.producer,
            &self.derivation,
            self.runner.id(),
        )
        .await?;
        match confirmed {
            Some(confirmed) if confirmed.elapsed() < WRITE_DEADLINE => Ok(()),
            _ => Err(RunError::LeaseLost(self.derivation.clone())),
        }
    }

    /// Gives the lease back, so that the next runner need not wait.
    pub(crate) async fn release(self) -> Result<(), RunError> {
        self.heartbeats.abort();
        say(
            &self.producer,
            &self.derivation,
            self.runner.id(),
            Kind::Release,
        )
        .await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

async fn beat(
    producer: Producer,
    derivation: String,
    runner: Runner,
    heard: watch::Sender<Instant>,
) {
    let mut ticks = interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refreshed = Instant::now();
    loop {
        ticks.tick().await;
        if refreshed.elapsed() >= presence::REFRESH {
            runner.refresh();
            refreshed = Instant::now();
        }
        let sent = Instant::now();
        match say(&producer, &derivation, runner.id(), Kind::Heartbeat).await {
            Ok(()) => drop(heard.send(sent)),
            Err(error) => debug!(derivation, %error, "heartbeat"),
        }
    }
}
