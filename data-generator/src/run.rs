//! Plays a world into a cluster: by the wall clock, or as fast as the cluster takes it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{ClientError, Cluster};
use tokio::time::{Instant, sleep};

use crate::event::Event;
use crate::sender::{Sender, Summary};
use crate::truth_file::TruthFile;
use crate::world::{World, WorldOptions};

/// How often due events are looked for: below what anybody sees on a dashboard.
const TICK: Duration = Duration::from_millis(10);
/// Behind the clock by more than this is worth a line in the log, so often.
const BEHIND_MS: i64 = 1_000;
const BEHIND_EVERY: Duration = Duration::from_secs(10);

/// What to generate, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster; its source topics have to exist.
    pub cluster: Cluster,
    /// The world. By the wall clock it starts now, whatever its `start_ms` says.
    pub world: WorldOptions,
    /// Incidents to plant in an hour of world time.
    pub incidents: f64,
    /// Append the truth about them to this file, one JSON object a line.
    pub truth: Option<PathBuf>,
    /// Stop after so many events.
    pub events: Option<u64>,
    /// How fast.
    pub pace: Pace,
}

/// How fast events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each when its time has come.
    WallClock,
    /// As fast as the cluster acknowledges them; event times are those of the world.
    Unpaced,
}

impl Pace {
    /// As fast as possible when a number of events is asked for and no rate, else by the wall clock.
    #[must_use]
    pub fn of(events: Option<u64>, rate: Option<f64>) -> Self {
        if events.is_some() && rate.is_none() {
            Self::Unpaced
        } else {
            Self::WallClock
        }
    }
}

/// Why generating stopped early.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The cluster did not take a record, now or for good.
    #[error("generating events: {0}")]
    Cluster(#[from] ClientError),
    /// The truth could not be written down.
    #[error("cannot write the truth to `{}`: name a file in a folder that exists", path.display())]
    Truth {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Generates until `shutdown` or until enough events are sent, then waits for all acknowledgements.
pub async fn run(
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, GenerateError> {
    let mut truth = options.truth.map(TruthFile::open).transpose()?;
    let mut sender = Sender::open(&options.cluster).await?;
    let world = match options.pace {
        Pace::WallClock => WorldOptions {
            start_ms: now_ms(),
            ..options.world
        },
        Pace::Unpaced => options.world,
    };
    let mut clock = Clock {
        pace: options.pace,
        told: None,
    };
    let mut shutdown = pin!(shutdown);
    let mut world = World::new(world).with_incidents(options.incidents);
    for _ in 0..options.events.unwrap_or(u64::MAX) {
        let Some(event) = world.next() else {
            break;
        };
        let stopped = tokio::select! {
            biased;
            () = &mut shutdown => true,
            () = clock.wait_for(&event) => false,
        };
        // Sending is never abandoned half-way, so that the summary counts what the topics hold.
        if stopped || !sender.send(event).await? {
            break;
        }
        // Also where nobody wants to know: the world remembers them until they are taken.
        let ended = world.ended_incidents();
        if let Some(truth) = &mut truth {
            truth.append(ended)?;
        }
    }
    let summary = sender.finish().await?;
    if let Some(truth) = &mut truth {
        truth.append(world.ended_incidents())?;
        truth.append(world.unfinished_incidents())?;
    }
    Ok(summary)
}

/// Holds events back until they are due, and says when it cannot keep up.
struct Clock {
    pace: Pace,
    told: Option<Instant>,
}

impl Clock {
    async fn wait_for(&mut self, event: &Event) {
        if self.pace == Pace::Unpaced {
            return;
        }
        let mut now_ms = now_ms();
        while now_ms < event.emitted_ms {
            sleep(TICK).await;
            now_ms = self::now_ms();
        }
        let behind_ms = now_ms - event.emitted_ms;
        if behind_ms > BEHIND_MS && self.told.is_none_or(|told| told.elapsed() > BEHIND_EVERY) {
            tracing::warn!(
                behind_ms,
                "the cluster takes events more slowly than they are generated; none is dropped"
            );
            self.told = Some(Instant::now());
        }
    }
}

pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
