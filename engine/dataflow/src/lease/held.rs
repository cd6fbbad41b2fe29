//! The time until which a runner certainly holds its lease.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{TAKEOVER, WRITE_DEADLINE};

/// The send time of the last heartbeat that proves that this runner holds the lease. Clones share this time.
///
/// A heartbeat is a proof if it is acknowledged less than [`TAKEOVER`] after the previous proof was sent: no other
/// runner could claim the lease in between. After a longer gap, for example because the process was suspended, an
/// acknowledgement proves nothing, and the log has to be read.
#[derive(Clone)]
pub(super) struct Held(Arc<Mutex<Instant>>);

impl Held {
    /// Creates the value for a lease that is held, according to the log, as of a heartbeat that was sent at
    /// `confirmed`.
    pub(super) fn since(confirmed: Instant) -> Self {
        Self(Arc::new(Mutex::new(confirmed)))
    }

    /// Notes that a heartbeat sent at `sent` has been acknowledged, at `now`.
    pub(super) fn acknowledged(&self, sent: Instant, now: Instant) {
        let mut last = self.lock();
        if now.duration_since(*last) < TAKEOVER {
            *last = sent.max(*last);
        }
    }

    /// Notes that the lease is held, according to the log, as of a heartbeat that was sent at `sent`.
    pub(super) fn confirmed(&self, sent: Instant) {
        let mut last = self.lock();
        *last = sent.max(*last);
    }

    /// Whether a write that begins now completes or times out before another runner can claim the lease.
    pub(super) fn allows_a_write(&self, now: Instant) -> bool {
        now.duration_since(*self.lock()) < WRITE_DEADLINE
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn acknowledged_heartbeats_allow_writes_until_the_deadline() {
        let start = Instant::now();
        let held = Held::since(start);
        assert!(held.allows_a_write(start + WRITE_DEADLINE - SOON));
        assert!(!held.allows_a_write(start + WRITE_DEADLINE));
        let sent = start + WRITE_DEADLINE;
        held.acknowledged(sent, start + TAKEOVER - SOON);
        assert!(held.allows_a_write(sent + WRITE_DEADLINE - SOON));
        assert!(!held.allows_a_write(sent + WRITE_DEADLINE));
    }

    #[test]
    fn after_a_gap_only_the_log_proves_that_the_lease_is_held() {
        let start = Instant::now();
        let held = Held::since(start);
        let resumed = start + TAKEOVER;
        held.acknowledged(resumed - SOON, resumed);
        held.acknowledged(resumed, resumed);
        assert!(!held.allows_a_write(resumed));
        held.confirmed(resumed);
        assert!(held.allows_a_write(resumed));
        held.acknowledged(resumed + SOON, resumed + SOON);
        assert!(!held.allows_a_write(resumed + SOON + WRITE_DEADLINE));
        assert!(held.allows_a_write(resumed + WRITE_DEADLINE));
    }
}
