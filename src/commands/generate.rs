//! `generate`: a seeded game world into the source topics, or as a web API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::dataflow::provision_sources;
use anyhow::Context;
use client::Cluster;
use data_generator::{Options, Pace, ServeOptions, Served, Summary, WorldOptions};
use model::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::connect::connect;
use crate::{cli, map, registry, signal};

/// Events per second where nothing else is said.
const RATE_DEFAULT: f64 = 1_000.0;
/// A reader that does not read keeps a stream open no longer than this.
const HANG_UP_DEADLINE: Duration = Duration::from_secs(3);

pub(crate) async fn generate(args: cli::Generate) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let world = world(&args)?;
    check_incidents(args.incidents)?;
    if let Some(address) = args.serve {
        return serve(address, &args, world, stop).await;
    }
    let (_, map) = map::load(&args.map, &registry::registry())?;
    let cluster = signal::unless_stopped(&stop, async {
        let cluster = connect(&args.cluster).await?;
        provision_sources(&cluster, &map).await?;
        Ok(cluster)
    })
    .await?;
    let options = Options {
        cluster,
        world,
        incidents: args.incidents,
        truth: args.truth,
        events: args.events,
        pace: Pace::of(args.events, args.rate),
    };
    let summary = data_generator::run(options, stop.cancelled_owned()).await?;
    print(&summary);
    Ok(())
}

/// The world as a web API, until told to stop.
async fn serve(
    address: SocketAddr,
    args: &cli::Generate,
    world: WorldOptions,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on `{address}`; name another address with --serve, port 0 picks a free one")
    })?;
    println!("serving: http://{}/stream_events", listener.local_addr()?);
    if !address.ip().is_loopback() {
        println!("note: whoever reaches {address} can read");
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
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(HANG_UP_DEADLINE).await;
    };
    tokio::select! {
        ended = serving => ended?,
        () = deadline => {}
    }
    for (topic, events) in served.now() {
        println!("{}: {events} events", topic.name());
    }
    Ok(())
}

/// What `up` generates: a world that goes by the wall clock.
pub(crate) fn live(cluster: Cluster, args: &cli::Up) -> anyhow::Result<Options> {
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
    })
}

/// Generates until told to stop.
pub(crate) async fn generate_until(
    stop: CancellationToken,
    options: Options,
) -> anyhow::Result<()> {
    data_generator::run(options, stop.cancelled_owned()).await?;
    Ok(())
}

fn world(args: &cli::Generate) -> anyhow::Result<WorldOptions> {
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
        (None, Some(events)) => Ok(world.ending_at(now_ms(), events)),
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
        println!("{}: {events} events", topic.name());
    }
    for (broken, records) in &summary.broken {
        println!("broken, {}: {records}", broken.name());
    }
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since_epoch.as_millis() as i64
}
