//! Sends a world's events to a cluster or writes them as lines of JSON, at one of several paces.

use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use client::{Cluster, now_ms};
use tokio::sync::watch;

use crate::catalogue::Catalogue;
use crate::error::GenerateError;
use crate::lines::Lines;
use crate::pace::{Clock, Pace};
use crate::sender::{Sender, Summary};
use crate::sink::Sink;
use crate::truth_file::TruthFile;
use crate::world::{People, World, WorldOptions};

/// What to generate, and how fast.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world. With `Pace::WallClock` it starts now, and its `start_ms` is ignored.
    pub world: WorldOptions,
    /// The games of the world.
    pub catalogue: Arc<Catalogue>,
    /// The people of the world, if any live in it.
    pub people: Option<People>,
    /// Incidents to plant per hour of world time.
    pub incidents: f64,
    /// The file to which the ground truth about incidents is appended, one JSON object per line.
    pub truth: Option<PathBuf>,
    /// The number of events to stop after; `None` for no limit.
    pub events: Option<u64>,
    /// How fast events are sent.
    pub pace: Pace,
    /// A counter of the events passed to the producers or written.
    pub sent: Arc<AtomicU64>,
}

/// Generates events into the source topics of a cluster, which must exist, until `shutdown` or until the requested
/// number is sent. Then waits for all acknowledgements.
pub async fn run(
    options: Options,
    cluster: &Cluster,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, GenerateError> {
    let stopping = watch::Sender::new(false);
    let topics = World::topics(options.people.is_some());
    let sender = Sender::open(cluster, topics, stopping.subscribe()).await?;
    let sink: Sink<std::io::Sink> = Sink::Cluster(sender);
    Box::pin(drive(options, sink, stopping, shutdown)).await
}

/// Generates events as lines of JSON, until `shutdown`, until the requested number is written, or until the reader of
/// `out` closes it.
pub async fn write_lines(
    options: Options,
    out: impl Write,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, GenerateError> {
    let lines = Sink::Lines(Lines::new(out));
    Box::pin(drive(options, lines, watch::Sender::new(false), shutdown)).await
}

async fn drive<W: Write>(
    options: Options,
    mut sink: Sink<W>,
    stopping: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
) -> Result<Summary, GenerateError> {
    let mut truth = options.truth.map(TruthFile::open).transpose()?;
    let mut shutdown = pin!(shutdown);
    let world = match options.pace {
        Pace::WallClock => WorldOptions {
            start_ms: now_ms(),
            ..options.world
        },
        Pace::CatchUp { .. } | Pace::Unpaced => options.world,
    };
    let mut clock = Clock::new(options.pace, &world);
    let world = match options.people {
        Some(people) => World::of_people(world, options.catalogue, people),
        None => World::of(world, options.catalogue),
    };
    let mut world = world.with_incidents(options.incidents);
    for _ in 0..options.events.unwrap_or(u64::MAX) {
        let Some(event) = world.next() else {
            break;
        };
        if !clock.is_due(&event) {
            sink.flush()?;
        }
        tokio::select! {
            biased;
            () = &mut shutdown => stopping.send_replace(true),
            () = clock.wait_for(&event) => false,
        };
        if *stopping.borrow() {
            break;
        }
        let sending = sink.send(event);
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
    let summary = hurried(sink.finish(), shutdown.as_mut(), &stopping).await?;
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
