//! `generate`: a seeded game world into the source topics.

use std::time::{SystemTime, UNIX_EPOCH};

use ::dataflow::provision_sources;
use anyhow::Context;
use client::Cluster;
use data_generator::{Options, Pace, Summary, WorldOptions};
use model::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{cli, map, registry, signal};

/// Events per second where nothing else is said.
const RATE_DEFAULT: f64 = 1_000.0;

pub(crate) async fn generate(args: cli::Generate) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, map) = map::load(&args.map, &registry::registry())?;
    let world = world(&args)?;
    check_incidents(args.incidents)?;
    let cluster = Cluster::connect(args.cluster.cluster.as_deref()).await?;
    provision_sources(&cluster, &map).await?;
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
