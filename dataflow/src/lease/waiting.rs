//! Waiting for a lease: who has the right to claim it, and when.

use std::time::Duration;

use client::{Cluster, Mode, Producer, Start};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::holder::{Holder, Kind};
use super::runner::Runner;
use super::{HEARTBEAT, TAKEOVER, book, presence};
use crate::error::RunError;
use crate::status::{DerivationStatus, StatusBoard};
use crate::topics::LEASES;

/// How often a waiter looks whether the holder has died. What the holder says is heard at once.
const LOOK: Duration = Duration::from_millis(250);
/// How long nothing must be heard of a dead process: its last requests may still lie in the system's
/// buffers or at the server, and must have been executed before the successor reads back what
/// stands. A server at work takes milliseconds for them. Longer than from one heartbeat to the next,
/// so that one that is still heard is not dead, whatever became of its lock.
const SETTLE: Duration = HEARTBEAT.saturating_add(Duration::from_millis(500));

/// Waits until the log says that `runner` holds the lease, and claims it as soon as that is right.
pub(super) async fn wait_for(
    cluster: &Cluster,
    producer: &Producer,
    derivation: &str,
    runner: &Runner,
    status: &StatusBoard,
) -> Result<(), RunError> {
    let (mut holder, next_offset) = book::tail(cluster, derivation).await?;
    let start = Start::Offset(next_offset.max(cluster.start_offset(LEASES, 0).await?));
    let mut news = cluster.records(LEASES, 0, start, Mode::Follow).await?;
    let mut watch = Watch::new(Instant::now());
    let mut told = false;
    while holder.runner.as_deref() != Some(runner.id()) {
        let right = watch.right(&holder, Instant::now(), presence::is_dead);
        if let Some(right) = right {
            claim(producer, derivation, runner, &holder, right).await?;
            watch.claimed(Instant::now());
        } else if holder.runner.is_some() && !told {
            told = true;
            status.update(derivation, DerivationStatus::stands_by);
            let holder = &holder.runner;
            warn!(
                derivation,
                ?holder,
                "another runner holds this derivation; waiting until it stops"
            );
        }
        let Ok(Some(record)) = timeout(LOOK, news.next()).await else {
            continue;
        };
        if let Some(word) = book::word_of(derivation, &record?)
            && holder.hear(word)
        {
            watch = Watch::new(Instant::now());
        }
    }
    Ok(())
}

/// Claims the lease of `holder`; whether it counts is for the log to say.
async fn claim(
    producer: &Producer,
    derivation: &str,
    runner: &Runner,
    holder: &Holder,
    right: Right,
) -> Result<(), RunError> {
    let found_dead = right == Right::Dead;
    let supersedes = holder.runner.clone();
    if found_dead {
        let holder = &holder.runner;
        warn!(
            derivation,
            ?holder,
            "the runner that holds this derivation is dead; taking over"
        );
    }
    let kind = Kind::Claim {
        supersedes,
        found_dead,
    };
    book::say(producer, derivation, runner.id(), kind).await?;
    if let (true, Some(dead)) = (found_dead, &holder.runner) {
        presence::forget(dead);
    }
    Ok(())
}

/// Why a lease may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// Nobody holds it.
    Free,
    /// The holder's process has died on this host.
    Dead,
    /// The holder has not been heard for [`TAKEOVER`], or the last claim has not.
    Silent,
}

/// What a waiter has noticed since it last heard the holder, or a new one.
#[derive(Debug)]
struct Watch {
    /// Since when there is nothing but silence.
    silent_from: Instant,
    /// When the holder was found dead.
    dead_from: Option<Instant>,
    /// Whether the lease has been claimed since.
    claimed: bool,
}

impl Watch {
    fn new(now: Instant) -> Self {
        Self {
            silent_from: now,
            dead_from: None,
            claimed: false,
        }
    }

    /// A claim is in the log: it counts, or another one has come before it. Both will be heard.
    fn claimed(&mut self, now: Instant) {
        self.silent_from = now;
        self.claimed = true;
    }

    /// Whether the lease may be claimed now.
    fn right(
        &mut self,
        holder: &Holder,
        now: Instant,
        is_dead: impl Fn(&str) -> bool,
    ) -> Option<Right> {
        if now.duration_since(self.silent_from) >= TAKEOVER {
            return Some(Right::Silent);
        }
        if self.claimed {
            return None;
        }
        let Some(holder) = &holder.runner else {
            return Some(Right::Free);
        };
        if self.dead_from.is_none() && is_dead(holder) {
            self.dead_from = Some(now);
        }
        let settled = |from| now.duration_since(from) >= SETTLE;
        self.dead_from.is_some_and(settled).then_some(Right::Dead)
    }
}

#[cfg(test)]
mod tests;
