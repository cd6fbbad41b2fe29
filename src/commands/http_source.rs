//! `http-source`: pull records from HTTP and WebSocket endpoints into topics.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::dataflow::DataflowSpec;
use anyhow::Context;
use client::Cluster;
use http_source::{Config, Counted, Counts, Options, Secrets, Target};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::provisioned;
use crate::cli::HttpSourceCommand;
use crate::connect::connect;
use crate::terminal::say;
use crate::{dataflow_file, registry, signal};

/// The interval between two progress lines: short enough to show progress, and long enough to keep a log small.
const STATUS_EVERY: Duration = Duration::from_secs(10);

pub(crate) async fn http_source(args: HttpSourceCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let secrets = secrets(args.secrets.as_deref())?;
    let configs: Vec<Config> = args
        .files
        .iter()
        .map(|file| config(file, &secrets))
        .collect::<Result<_, _>>()?;
    configs.iter().for_each(print);
    if args.check {
        return Ok(());
    }
    let feeds = |config| feeds_a_source(config, &dataflow);
    let cluster = match configs.iter().any(feeds) {
        true => provisioned::with_sources(&args.cluster, &dataflow, &stop).await?,
        false => signal::unless_stopped(&stop, connect(&args.cluster)).await?,
    };
    run_all(configs, &cluster, &dataflow, args.once, &stop).await
}

fn print(config: &Config) {
    say!("{}: {}", config.name, config.endpoint());
    for note in &config.notes {
        say!("{}: note: {note}", config.name);
    }
}

/// Runs all connectors until they end. If one fails, the others stop and still deliver the records that they
/// have received.
async fn run_all(
    configs: Vec<Config>,
    cluster: &Cluster,
    dataflow: &DataflowSpec,
    once: bool,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut connectors = JoinSet::new();
    for config in configs {
        let options = Options {
            cluster: cluster.clone(),
            config,
            key_paths: key_paths(dataflow),
            once,
            counts: Arc::default(),
        };
        connectors.spawn(connector(options, stop.clone()));
    }
    let mut result = Ok(());
    while let Some(ended) = connectors.join_next().await {
        if let Err(error) = ended? {
            stop.cancel();
            result = result.and(Err(error));
        }
    }
    result
}

/// Runs one connector and prints its counts.
async fn connector(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let name = options.config.name.clone();
    let status = tokio::spawn(print_status(name.clone(), Arc::clone(&options.counts)));
    let ended = http_source::run(options, stop.cancelled_owned()).await;
    status.abort();
    let summary = ended.with_context(|| format!("connector `{name}`"))?;
    for (topic, records) in &summary.topics {
        say!("{name}: {topic}: {records} records");
    }
    say!("{name}: done | {}", counts_line(summary.counted));
    Ok(())
}

/// Prints the counts periodically, but only if they have changed.
async fn print_status(name: String, counts: Arc<Counts>) {
    let mut ticks = interval(STATUS_EVERY);
    let mut printed = counts.now();
    loop {
        ticks.tick().await;
        let now = counts.now();
        if now != printed {
            say!("{name}: {}", counts_line(now));
            printed = now;
        }
    }
}

fn counts_line(counted: Counted) -> String {
    let Counted {
        received,
        delivered,
        rejected,
        filtered,
        cut,
        failures,
    } = counted;
    format!(
        "received {received} | delivered {delivered} | rejected {rejected} | cut {cut} | failures {failures} | \
         filtered {filtered}"
    )
}

fn secrets(file: Option<&Path>) -> anyhow::Result<Secrets> {
    let Some(file) = file else {
        return Ok(Secrets::from_environment());
    };
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read secrets `{shown}`"))?;
    Secrets::from_file(&text).with_context(|| format!("secrets `{shown}`"))
}

fn config(file: &Path, secrets: &Secrets) -> anyhow::Result<Config> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read configuration `{shown}`"))?;
    Config::parse(&text, secrets).with_context(|| shown.to_string())
}

/// Whether a connector writes to a source topic of the dataflow. In this case the source topics are created first, with
/// the settings in the dataflow file.
fn feeds_a_source(config: &Config, dataflow: &DataflowSpec) -> bool {
    match &config.target {
        Target::One(topic) => dataflow.sources.contains_key(&topic.name),
        Target::ByEventName(topics) => topics
            .values()
            .any(|topic| dataflow.sources.contains_key(topic)),
    }
}

fn key_paths(dataflow: &DataflowSpec) -> BTreeMap<String, String> {
    let paths = dataflow.sources.iter();
    paths
        .map(|(topic, source)| (topic.clone(), source.key.clone()))
        .collect()
}
