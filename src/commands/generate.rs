//! `generate`: write the events of a seeded game world to the source topics, or serve them over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use client::{Cluster, now_ms};
use data_generator::{Options, Pace, ServeOptions, Served, Summary, WorldOptions};
use http_service::{is_exposed, until_hang_up};
use model::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::provisioned;
use crate::cli::{GenerateCommand, UpCommand};
use crate::progress::{Done, Progress};
use crate::terminal::say;
use crate::{dataflow_file, registry, signal};

/// The rate of the world if `--rate` is not given, in events per second.
const RATE_DEFAULT: f64 = 1_000.0;

pub(crate) async fn generate(args: GenerateCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let world = world(&args)?;
    check_incidents(args.incidents)?;
    if let Some(address) = args.serve {
        return serve(address, &args, world, stop).await;
    }
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let cluster = provisioned::with_sources(&args.cluster, &dataflow, &stop).await?;
    let options = Options {
        cluster,
        world,
        incidents: args.incidents,
        truth: args.truth,
        events: args.events,
        pace: Pace::of(args.events, args.rate),
        sent: Arc::default(),
    };
    let progress = args
        .events
        .map(|events| progress(events, Arc::clone(&options.sent)));
    let summary = data_generator::run(options, stop.cancelled_owned()).await?;
    drop(progress);
    print(&summary);
    Ok(())
}

/// Shows how many events have been sent.
fn progress(events: u64, sent: Arc<AtomicU64>) -> Progress {
    Progress::start("generate", "events", move || Done {
        done: sent.load(Ordering::Relaxed),
        total: events,
    })
}

/// Serves the events of the world over HTTP until stopped.
async fn serve(
    address: SocketAddr,
    args: &GenerateCommand,
    world: WorldOptions,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on `{address}`; choose another address with --serve (port 0 picks a free one)")
    })?;
    say!("serving: http://{}/stream_events", listener.local_addr()?);
    if is_exposed(address) {
        say!("note: every client that reaches {address} can read the events");
    }
    let options = ServeOptions {
        world,
        incidents: args.incidents,
        events: args.events,
        pace: Pace::of(args.events, args.rate),
    };
    let served = Arc::new(Served::default());
    let stopped = stop.clone().cancelled_owned();
    let serving = data_generator::serve(listener, options, Arc::clone(&served), stopped);
    if let Some(ended) = until_hang_up(&stop, serving).await {
        ended?;
    }
    for (topic, events) in served.now() {
        say!("{}: {events} events", topic.name());
    }
    Ok(())
}

/// Returns the options of the generator in `up`. Its world runs in real time.
pub(crate) fn live(cluster: Cluster, args: &UpCommand) -> anyhow::Result<Options> {
    check_rate(args.rate)?;
    check_incidents(args.incidents)?;
    let world = WorldOptions {
        seed: args.seed,
        start_ms: now_ms(),
        rate: args.rate,
        broken: 0.0,
    };
    Ok(Options {
        cluster,
        world,
        incidents: args.incidents,
        truth: args.truth.clone(),
        events: None,
        pace: Pace::WallClock,
        sent: Arc::default(),
    })
}

pub(crate) async fn generate_until(
    stop: CancellationToken,
    options: Options,
) -> anyhow::Result<()> {
    data_generator::run(options, stop.cancelled_owned()).await?;
    Ok(())
}

fn world(args: &GenerateCommand) -> anyhow::Result<WorldOptions> {
    let rate = args.rate.unwrap_or(RATE_DEFAULT);
    check_rate(rate)?;
    anyhow::ensure!(
        (0.0..=1.0).contains(&args.broken),
        "--broken is `{}`: give a share from 0 to 1",
        args.broken
    );
    let world = WorldOptions {
        seed: args.seed,
        start_ms: now_ms(),
        rate,
        broken: args.broken,
    };
    match (&args.start, args.events) {
        (Some(start), _) => {
            let time = Timestamp::parse(start).with_context(|| {
                format!("--start is `{start}`: give an RFC 3339 time such as 2026-01-31T12:00:00Z")
            })?;
            Ok(WorldOptions {
                start_ms: time.as_millis(),
                ..world
            })
        }
        (None, Some(events)) => {
            let world = world.ending_at(now_ms(), events);
            anyhow::ensure!(
                world.start_ms > 0,
                "--events is `{events}`: at {rate} per second the world would begin before 1970; give fewer \
                 events, or set --start"
            );
            Ok(world)
        }
        (None, None) => Ok(world),
    }
}

fn check_rate(rate: f64) -> anyhow::Result<()> {
    anyhow::ensure!(
        rate > 0.0 && rate <= 1e6,
        "--rate is `{rate}`: give events per second, above 0 and at most 1000000"
    );
    Ok(())
}

fn check_incidents(per_hour: f64) -> anyhow::Result<()> {
    anyhow::ensure!(
        (0.0..=3_600.0).contains(&per_hour),
        "--incidents is `{per_hour}`: give incidents per hour from 0 to 3600"
    );
    Ok(())
}

fn print(summary: &Summary) {
    for (topic, events) in &summary.events {
        say!("{}: {events} events", topic.name());
    }
    for (broken, records) in &summary.broken {
        say!("broken, {}: {records}", broken.name());
    }
}
