//! Delays events until they are due, and warns when the cluster falls behind.

use std::time::Duration;

use client::now_ms;
use tokio::time::{Instant, sleep};

use crate::event::Event;
use crate::world::WorldOptions;

/// The limits of the interval at which the sender looks for due events. Within these limits, the interval is long
/// enough for about `EVENTS_PER_TICK` events. These are sent as one batch, because the cluster and the runner spend
/// about as much on a batch of five events as on one of fifty. `TICK_MAX` is too short to be visible on a dashboard.
const TICK_MIN: Duration = Duration::from_millis(10);
const TICK_MAX: Duration = Duration::from_millis(50);
const EVENTS_PER_TICK: f64 = 50.0;
/// If an event is sent more than this long after it is due, a warning is logged, at most once per `BEHIND_EVERY`.
const BEHIND_MS: i64 = 1_000;
const BEHIND_EVERY: Duration = Duration::from_secs(10);

/// How fast events are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The world starts now. Each event is sent when it is due.
    WallClock,
    /// The world starts at `start_ms`. Its time passes `speed` times as fast as the wall clock, or, without a speed, as
    /// fast as the cluster takes the events, until it reaches the present. From then on, each event is sent when it is
    /// due.
    CatchUp {
        /// The seconds of world time in a second, at least 1; `None` for no limit.
        speed: Option<f64>,
    },
    /// Events are sent as fast as the cluster, or the HTTP client of [`serve`](crate::serve), takes them; event times
    /// begin at `start_ms`, and may be in the future.
    Unpaced,
}

/// Knows which events are due.
pub(crate) struct Clock {
    pace: Pace,
    tick: Duration,
    start_ms: i64,
    begun_ms: i64,
    /// Whether an event has been waited for: before that, a world that catches up is not behind.
    has_waited: bool,
    warned: Option<Instant>,
}

impl Clock {
    /// Begins now.
    pub(crate) fn new(pace: Pace, world: &WorldOptions) -> Self {
        Self {
            pace,
            tick: tick(world.rate),
            start_ms: world.start_ms,
            begun_ms: now_ms(),
            has_waited: pace == Pace::WallClock,
            warned: None,
        }
    }

    pub(crate) fn is_due(&self, event: &Event) -> bool {
        self.pace == Pace::Unpaced || self.behind_ms(event) >= 0
    }

    /// Waits until the event is due.
    pub(crate) async fn wait_for(&mut self, event: &Event) {
        if self.pace == Pace::Unpaced {
            return;
        }
        let mut behind_ms = self.behind_ms(event);
        while behind_ms < 0 {
            self.has_waited = true;
            sleep(self.tick).await;
            behind_ms = self.behind_ms(event);
        }
        let is_behind = self.has_waited && behind_ms > self.tolerated_ms();
        if is_behind && self.warned.is_none_or(|at| at.elapsed() > BEHIND_EVERY) {
            tracing::warn!(
                behind_ms,
                "the cluster accepts events more slowly than they are generated; none is dropped"
            );
            self.warned = Some(Instant::now());
        }
    }

    /// Returns for how long, in world time, the event has been due; a negative number if it is not due yet.
    fn behind_ms(&self, event: &Event) -> i64 {
        self.released_ms(now_ms()).saturating_sub(event.emitted_ms)
    }

    /// Returns the time of sending, in world time, up to which events are due at this time of the wall clock.
    fn released_ms(&self, now_ms: i64) -> i64 {
        match self.pace {
            Pace::WallClock | Pace::CatchUp { speed: None } => now_ms,
            Pace::CatchUp { speed: Some(speed) } => {
                let lived_ms = (now_ms - self.begun_ms).max(0) as f64 * speed;
                now_ms.min(self.start_ms.saturating_add(lived_ms as i64))
            }
            Pace::Unpaced => i64::MAX,
        }
    }

    /// Returns how late an event may be in world time, in which a delay of the wall clock is `speed` times as long.
    fn tolerated_ms(&self) -> i64 {
        match self.pace {
            Pace::CatchUp { speed: Some(speed) } => (BEHIND_MS as f64 * speed) as i64,
            _ => BEHIND_MS,
        }
    }
}

/// Returns how often to look for due events at this rate, in events per second.
fn tick(rate: f64) -> Duration {
    let tick = Duration::try_from_secs_f64(EVENTS_PER_TICK / rate);
    tick.unwrap_or(TICK_MAX).clamp(TICK_MIN, TICK_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_shorter_at_a_higher_rate() {
        let millis = |rate| tick(rate).as_millis();
        assert_eq!(
            [0.001, 1_000.0, 2_000.0, 20_000.0].map(millis),
            [50, 50, 25, 10]
        );
    }

    /// Returns the clock of a world that started an hour before the wall clock's time 10,000,000 ms.
    fn clock(pace: Pace) -> Clock {
        Clock {
            pace,
            tick: TICK_MAX,
            start_ms: 10_000_000 - 3_600_000,
            begun_ms: 10_000_000,
            has_waited: false,
            warned: None,
        }
    }

    #[test]
    fn a_world_catches_up_at_its_speed_and_then_lives_in_the_present() {
        let clock = clock(Pace::CatchUp { speed: Some(61.0) });
        let released =
            [0, 1_000, 60_000, 60_001, 100_000].map(|after| clock.released_ms(10_000_000 + after));
        assert_eq!(
            released,
            [6_400_000, 6_461_000, 10_060_000, 10_060_001, 10_100_000]
        );
    }

    #[test]
    fn without_a_speed_the_past_is_due_at_once_and_the_future_is_not() {
        let released = |pace| clock(pace).released_ms(10_000_500);
        assert_eq!(released(Pace::CatchUp { speed: None }), 10_000_500);
        assert_eq!(released(Pace::Unpaced), i64::MAX);
    }

    #[test]
    fn a_clock_that_goes_back_releases_nothing_new() {
        let clock = clock(Pace::CatchUp { speed: Some(2.0) });
        assert_eq!(clock.released_ms(9_000_000), 6_400_000);
    }
}
