//! Sends a world's events to a cluster, either by the wall clock or as fast as the cluster accepts them.

use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::{Cluster, now_ms};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::error::GenerateError;
use crate::event::Event;
use crate::sender::{Sender, Summary};
use crate::truth_file::TruthFile;
use crate::world::{World, WorldOptions};

/// The limits of the interval at which the sender looks for due events. Within these limits, the interval is long
/// enough for about `EVENTS_PER_TICK` events. These are sent as one batch, because the cluster and the runner spend
/// about as much on a batch of five events as on one of fifty. `TICK_MAX` is too short to be visible on a dashboard.
const TICK_MIN: Duration = Duration::from_millis(10);
const TICK_MAX: Duration = Duration::from_millis(50);
const EVENTS_PER_TICK: f64 = 50.0;
/// If an event is sent more than this long after it is due, a warning is logged, at most once per `BEHIND_EVERY`.
const BEHIND_MS: i64 = 1_000;
const BEHIND_EVERY: Duration = Duration::from_secs(10);

/// What to generate, and where to send it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster, in which the source topics must exist.
    pub cluster: Cluster,
    /// The world. With `Pace::WallClock` it starts now, and its `start_ms` is ignored.
    pub world: WorldOptions,
    /// Incidents to plant per hour of world time.
    pub incidents: f64,
    /// The file to which the ground truth about incidents is appended, one JSON object per line.
    pub truth: Option<PathBuf>,
    /// The number of events to stop after; `None` for no limit.
    pub events: Option<u64>,
    /// How fast events are sent.
    pub pace: Pace,
    /// A counter of the events passed to the producers.
    pub sent: Arc<AtomicU64>,
}

/// How fast events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each event is sent when it is due.
    WallClock,
    /// Events are sent as fast as the cluster, or the HTTP client of [`serve`](crate::serve), takes them; event times
    /// begin at `start_ms`.
    Unpaced,
}

impl Pace {
    /// Returns `Unpaced` if a number of events but no rate is given, and `WallClock` otherwise.
    #[must_use]
    pub fn of(events: Option<u64>, rate: Option<f64>) -> Self {
        if events.is_some() && rate.is_none() {
            Self::Unpaced
        } else {
            Self::WallClock
        }
    }
}

/// Generates events until `shutdown` or until the requested number is sent, then waits for all
/// acknowledgements.
pub async fn run(
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, GenerateError> {
    let mut truth = options.truth.map(TruthFile::open).transpose()?;
    let stopping = watch::Sender::new(false);
    let mut sender = Sender::open(&options.cluster, stopping.subscribe()).await?;
    let world = match options.pace {
        Pace::WallClock => WorldOptions {
            start_ms: now_ms(),
            ..options.world
        },
        Pace::Unpaced => options.world,
    };
    let mut clock = Clock {
        pace: options.pace,
        tick: tick(options.world.rate),
        warned: None,
    };
    let mut shutdown = pin!(shutdown);
    let mut world = World::new(world).with_incidents(options.incidents);
    for _ in 0..options.events.unwrap_or(u64::MAX) {
        let Some(event) = world.next() else {
            break;
        };
        tokio::select! {
            biased;
            () = &mut shutdown => stopping.send_replace(true),
            () = clock.wait_for(&event) => false,
        };
        if *stopping.borrow() {
            break;
        }
        let sending = sender.send(event);
        if !hurried(sending, shutdown.as_mut(), &stopping).await? {
            break;
        }
        options.sent.fetch_add(1, Ordering::Relaxed);
        // Ended incidents are taken even without a truth file, because the world keeps them until they are taken.
        let ended = world.ended_incidents();
        if let Some(truth) = &mut truth {
            truth.append(ended)?;
        }
        if *stopping.borrow() {
            break;
        }
    }
    let summary = hurried(sender.finish(), shutdown.as_mut(), &stopping).await?;
    if let Some(truth) = &mut truth {
        truth.append(world.ended_incidents())?;
        truth.append(world.unfinished_incidents())?;
    }
    Ok(summary)
}

/// Awaits `work` to its end even after `shutdown`, so that the summary equals the content of the topics. After
/// `shutdown` it sets `stopping`, so that sending no longer waits for space on a full disk.
async fn hurried<T>(
    work: impl Future<Output = T>,
    shutdown: Pin<&mut impl Future<Output = ()>>,
    stopping: &watch::Sender<bool>,
) -> T {
    let mut work = pin!(work);
    if !*stopping.borrow() {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = shutdown => stopping.send_replace(true),
        };
    }
    work.await
}

/// Returns how often to look for due events at this rate, in events per second.
fn tick(rate: f64) -> Duration {
    let tick = Duration::try_from_secs_f64(EVENTS_PER_TICK / rate);
    tick.unwrap_or(TICK_MAX).clamp(TICK_MIN, TICK_MAX)
}

/// Delays events until they are due, and warns when the cluster falls behind.
struct Clock {
    pace: Pace,
    tick: Duration,
    warned: Option<Instant>,
}

impl Clock {
    async fn wait_for(&mut self, event: &Event) {
        if self.pace == Pace::Unpaced {
            return;
        }
        let mut now_ms = now_ms();
        while now_ms < event.emitted_ms {
            sleep(self.tick).await;
            now_ms = client::now_ms();
        }
        let behind_ms = now_ms - event.emitted_ms;
        if behind_ms > BEHIND_MS && self.warned.is_none_or(|at| at.elapsed() > BEHIND_EVERY) {
            tracing::warn!(
                behind_ms,
                "the cluster accepts events more slowly than they are generated; none is dropped"
            );
            self.warned = Some(Instant::now());
        }
    }
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
}
