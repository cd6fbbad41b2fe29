//! Waiting for a lease: which runner may claim it, and when.

use std::time::Duration;

use client::{Cluster, Mode, Partition, Producer, Start};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::holder::{Holder, Kind};
use super::runner::Runner;
use super::{HEARTBEAT, TAKEOVER, liveness_lock, log};
use crate::error::RunError;
use crate::topics::LEASES;

/// How often a waiting runner checks whether the holder's process has died. It does not poll for new lease records:
/// they arrive over a stream.
const LOOK: Duration = Duration::from_millis(250);
/// How long a runner waits between finding the holder dead and claiming the lease. The holder's last requests may
/// still be in network buffers or at the server, which must execute them before the successor reads back the
/// output. A working server takes milliseconds for that. The time is longer than the heartbeat interval, so that a
/// holder whose heartbeats still arrive is not considered dead, whatever the state of its lock.
const SETTLE: Duration = HEARTBEAT.saturating_add(Duration::from_millis(500));

/// Waits until `runner` holds the lease according to the log, and claims the lease as soon as that is
/// allowed.
pub(super) async fn wait_for(
    cluster: &Cluster,
    producer: &Producer,
    derivation: &str,
    runner: &Runner,
    on_standby: &mut (dyn FnMut() + Send),
) -> Result<(), RunError> {
    let (mut holder, next_offset) = log::tail(cluster, derivation).await?;
    let start = Start::Offset(next_offset.max(cluster.start_offset(LEASES, Partition(0)).await?));
    let mut news = cluster
        .records(LEASES, Partition(0), start, Mode::Follow)
        .await?;
    let mut watch = Watch::new(Instant::now());
    let mut is_standby = false;
    while holder.runner.as_deref() != Some(runner.id()) {
        let right = watch.right(&holder, Instant::now(), liveness_lock::is_dead);
        if let Some(right) = right {
            claim(producer, derivation, runner, &holder, right).await?;
            watch.claimed(Instant::now());
        } else if holder.runner.is_some() && !is_standby {
            is_standby = true;
            on_standby();
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
        if let Some(record) = log::record_of(derivation, &record?)
            && holder.apply(record)
        {
            watch = Watch::new(Instant::now());
        }
    }
    Ok(())
}

/// Claims the lease of `holder`. The order of records in the log decides whether the claim counts.
async fn claim(
    producer: &Producer,
    derivation: &str,
    runner: &Runner,
    holder: &Holder,
    right: ClaimReason,
) -> Result<(), RunError> {
    let found_dead = right == ClaimReason::Dead;
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
    log::append(producer, derivation, runner.id(), kind).await?;
    if let (true, Some(dead)) = (found_dead, &holder.runner) {
        liveness_lock::forget(dead);
    }
    Ok(())
}

/// The reason why a lease may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClaimReason {
    /// No runner holds it.
    Free,
    /// The holder's process has died on this host.
    Dead,
    /// For [`TAKEOVER`], no record of the holder has arrived and this runner has made no claim.
    Silent,
}

/// The observations of a waiting runner since the last record of the current holder.
#[derive(Debug)]
struct Watch {
    /// The time of the holder's last record (at first, the start of waiting) or of this runner's last claim,
    /// whichever is later.
    silent_from: Instant,
    /// The time at which the holder was found dead.
    dead_from: Option<Instant>,
    /// Whether this runner has claimed the lease since the holder's last record.
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

    /// Notes that this runner has appended a claim. The record that decides who holds the lease, this claim or another
    /// runner's record before it in the log, should arrive soon. If it does not, the lease may be claimed again once
    /// [`TAKEOVER`] has passed.
    fn claimed(&mut self, now: Instant) {
        self.silent_from = now;
        self.claimed = true;
    }

    /// Returns the reason why the lease may be claimed now; `None` if it may not be claimed.
    fn right(
        &mut self,
        holder: &Holder,
        now: Instant,
        is_dead: impl Fn(&str) -> bool,
    ) -> Option<ClaimReason> {
        if now.duration_since(self.silent_from) >= TAKEOVER {
            return Some(ClaimReason::Silent);
        }
        if self.claimed {
            return None;
        }
        let Some(holder) = &holder.runner else {
            return holder.is_free().then_some(ClaimReason::Free);
        };
        if self.dead_from.is_none() && is_dead(holder) {
            self.dead_from = Some(now);
        }
        let settled = |from| now.duration_since(from) >= SETTLE;
        self.dead_from
            .is_some_and(settled)
            .then_some(ClaimReason::Dead)
    }
}

#[cfg(test)]
mod tests;
