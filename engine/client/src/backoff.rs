//! The pauses between attempts to reach a cluster.

use std::time::Duration;

/// The first pause. It gives a restarting server time to listen again, but is too short for users to notice a single
/// lost connection.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// The longest pause. After an outage of minutes, a client reconnects at most this long after the cluster is back.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Pauses that double from 250 ms up to 5 s. [`Backoff::reset`] starts again at 250 ms.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// Starts with the shortest pause.
    #[must_use]
    pub fn new() -> Self {
        Self { next: PAUSE_MIN }
    }

    /// Returns the pause to make now. The next one is twice as long, up to 5 s.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(PAUSE_MAX);
        pause
    }

    /// Starts again with the shortest pause. Call this after a success.
    pub fn reset(&mut self) {
        self.next = PAUSE_MIN;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_start_again_after_a_success() {
        let mut backoff = Backoff::new();
        let pauses: Vec<u128> = (0..7).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.pause(), PAUSE_MIN);
    }
}
