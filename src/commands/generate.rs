//! `generate`: write the events of a seeded game world to the source topics or to standard output, or serve them over
//! HTTP.

mod timing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use client::Cluster;
use data_generator::{Catalogue, Options, Pace, ServeOptions, Served, Summary, WorldOptions};
use http_service::{is_exposed, until_hang_up};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::provisioned;
use crate::ago::ago;
use crate::cli::{GenerateCommand, UpCommand};
use crate::progress::{Done, Progress};
use crate::terminal::{note, say};
use crate::{dataflow_file, registry, signal};

pub(crate) async fn generate(args: GenerateCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let pace = timing::pace(&args)?;
    let world = timing::world(&args, pace)?;
    check_incidents(args.incidents)?;
    let catalogue = args.catalogue.load()?;
    if let Some(address) = args.serve {
        let options = ServeOptions {
            world,
            catalogue,
            incidents: args.incidents,
            events: args.events,
            pace,
        };
        return serve(address, options, stop).await;
    }
    let options = Options {
        world,
        catalogue,
        people: args.people.people(args.incidents),
        incidents: args.incidents,
        truth: args.truth.clone(),
        events: args.events,
        pace,
        sent: Arc::default(),
    };
    if args.stdout {
        return lines(options, stop).await;
    }
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let cluster = provisioned::with_sources(&args.cluster, &dataflow, &stop).await?;
    let progress = progress(&options);
    let summary = data_generator::run(options, &cluster, stop.cancelled_owned()).await?;
    drop(progress);
    counts(&summary).for_each(|line| say!("{line}"));
    Ok(())
}

/// Writes the events to standard output, and the summary to standard error.
async fn lines(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let progress = progress(&options);
    let out = std::io::stdout().lock();
    let summary = data_generator::write_lines(options, out, stop.cancelled_owned()).await?;
    drop(progress);
    counts(&summary).for_each(|line| note(&line));
    Ok(())
}

/// Shows how many events have been sent, if their number is limited.
fn progress(options: &Options) -> Option<Progress> {
    let (total, sent) = (options.events?, Arc::clone(&options.sent));
    Some(Progress::start("generate", "events", move || Done {
        done: sent.load(Ordering::Relaxed),
        total,
    }))
}

/// Serves the events of the world over HTTP until stopped.
async fn serve(
    address: SocketAddr,
    options: ServeOptions,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on `{address}`; choose another address with --serve (port 0 picks a free one)")
    })?;
    say!("serving: http://{}/stream_events", listener.local_addr()?);
    if is_exposed(address) {
        say!("note: every client that reaches {address} can read the events");
    }
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

/// Returns the options of the generator in `up`. Its world runs in real time, after a history if one is wanted.
pub(crate) fn live(args: &UpCommand, catalogue: Arc<Catalogue>) -> anyhow::Result<Options> {
    args.rate.map_or(Ok(()), timing::check_rate)?;
    check_incidents(args.incidents)?;
    let world = WorldOptions {
        seed: args.seed,
        start_ms: ago(args.backfill.unwrap_or_default()).as_millis(),
        rate: args.rate.unwrap_or(args.people.default_rate()),
        broken: 0.0,
    };
    Ok(Options {
        world,
        catalogue,
        people: args.people.people(args.incidents),
        incidents: args.incidents,
        truth: args.truth.clone(),
        events: None,
        pace: match args.backfill {
            Some(_) => Pace::CatchUp { speed: None },
            None => Pace::WallClock,
        },
        sent: Arc::default(),
    })
}

pub(crate) async fn generate_until(
    stop: CancellationToken,
    cluster: Cluster,
    options: Options,
) -> anyhow::Result<()> {
    data_generator::run(options, &cluster, stop.cancelled_owned()).await?;
    Ok(())
}

fn check_incidents(per_hour: f64) -> anyhow::Result<()> {
    anyhow::ensure!(
        (0.0..=3_600.0).contains(&per_hour),
        "--incidents is `{per_hour}`: give incidents per hour from 0 to 3600"
    );
    Ok(())
}

/// Returns a line for each topic, and for each kind of broken record.
fn counts(summary: &Summary) -> impl Iterator<Item = String> {
    let events = summary.events.iter();
    let broken = summary.broken.iter();
    events
        .map(|(topic, events)| format!("{}: {events} events", topic.name()))
        .chain(broken.map(|(broken, records)| format!("broken, {}: {records}", broken.name())))
}
