//! The parameters of a world and of its people.

use crate::event::DELAY_MS_MAX;

/// The minimum rate: about one event in 17 minutes. A slower world would appear broken.
pub(super) const RATE_MIN: f64 = 0.001;
/// The maximum rate: above it, the pause between two purchases is too short for the precision of whole
/// microseconds.
pub(super) const RATE_MAX: f64 = 1_000_000.0;

/// The parameters of a world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorldOptions {
    /// The seed. The same seed, start, rate and catalogue produce the same bytes.
    pub seed: u64,
    /// The start of the world, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// The number of events per second of world time in the three topics of telemetry together, from 0.001 to a
    /// million; 0 if the world has only people.
    pub rate: f64,
    /// The share of broken events, from 0 to 1. The other events are the same for every share.
    pub broken: f64,
}

/// People who arrive, live in the games for some days or months, and leave, in addition to the world's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People {
    /// The number of people who arrive in 30 days.
    pub players: u32,
    /// Whether one level of one game is much harder than the levels around it.
    pub hard_level: bool,
    /// The number of threads that simulate people; the events do not depend on it.
    pub tasks: usize,
}

impl WorldOptions {
    /// Replaces the start of the world with a time so long before `now_ms` that `events` events occur in between.
    #[must_use]
    pub fn ending_at(self, now_ms: i64, events: u64) -> Self {
        let duration_ms = (events as f64 / self.rate.clamp(RATE_MIN, RATE_MAX) * 1e3 * 1.1) as i64;
        Self {
            start_ms: now_ms - duration_ms - DELAY_MS_MAX,
            ..self
        }
    }

    /// Returns the seed for the actions of players, shop and servers. It depends on the world's seed and start. The
    /// random numbers for players' traits, broken records and incidents depend on the world's seed alone.
    pub(super) fn event_seed(&self) -> u64 {
        self.seed ^ self.start_ms.cast_unsigned().rotate_left(20)
    }

    /// Returns a part of the world's ids. It depends on the start time of the world, so that worlds with different
    /// start times have different ids.
    pub(super) fn run(&self) -> String {
        format!("{:x}", self.start_ms)
    }
}
