//! `http-source`: records from HTTP and WebSocket endpoints into topics.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::dataflow::{DataflowMap, provision_sources};
use anyhow::Context;
use http_source::{Config, Counted, Counts, Options, Secrets, Target};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::connect::connect;
use crate::{cli, map, registry, signal};

/// Often enough to see that it works, rarely enough for a log.
const STATUS_EVERY: Duration = Duration::from_secs(10);

pub(crate) async fn http_source(args: cli::HttpSource) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, map) = map::load(&args.map, &registry::registry())?;
    let secrets = secrets(args.secrets.as_deref())?;
    let configs: Vec<Config> = args
        .files
        .iter()
        .map(|file| config(file, &secrets))
        .collect::<Result<_, _>>()?;
    for config in &configs {
        println!("{}: {}", config.name, config.endpoint());
        config
            .notes
            .iter()
            .for_each(|note| println!("{}: note: {note}", config.name));
    }
    if args.check {
        return Ok(());
    }
    let cluster = signal::unless_stopped(&stop, async {
        let cluster = connect(&args.cluster).await?;
        if configs.iter().any(|config| feeds_a_source(config, &map)) {
            provision_sources(&cluster, &map).await?;
        }
        Ok(cluster)
    })
    .await?;
    let mut connectors = JoinSet::new();
    for config in configs {
        let options = Options {
            cluster: cluster.clone(),
            config,
            key_paths: key_paths(&map),
            once: args.once,
            counts: Arc::default(),
        };
        connectors.spawn(connector(options, stop.clone()));
    }
    let mut result = Ok(());
    while let Some(ended) = connectors.join_next().await {
        // One that fails takes the others along, lest its failure go unnoticed; each still drains.
        if let Err(error) = ended? {
            stop.cancel();
            result = result.and(Err(error));
        }
    }
    result
}

/// Runs one connector and says how it fares.
async fn connector(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    let name = options.config.name.clone();
    let status = tokio::spawn(print_status(name.clone(), Arc::clone(&options.counts)));
    let ended = http_source::run(options, stop.cancelled_owned()).await;
    status.abort();
    let summary = ended.with_context(|| format!("connector `{name}`"))?;
    for (topic, records) in &summary.topics {
        println!("{name}: {topic}: {records} records");
    }
    println!("{name}: done | {}", shown(summary.counted));
    Ok(())
}

/// Prints a line now and then, where something has changed.
async fn print_status(name: String, counts: Arc<Counts>) {
    let mut ticks = interval(STATUS_EVERY);
    let mut told = counts.now();
    loop {
        ticks.tick().await;
        let now = counts.now();
        if now != told {
            println!("{name}: {}", shown(now));
            told = now;
        }
    }
}

fn shown(counted: Counted) -> String {
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

/// Source topics are made as the map has them, whoever comes first.
fn feeds_a_source(config: &Config, map: &DataflowMap) -> bool {
    match &config.target {
        Target::One(topic) => map.sources.contains_key(&topic.name),
        Target::ByEventName(topics) => topics.values().any(|topic| map.sources.contains_key(topic)),
    }
}

fn key_paths(map: &DataflowMap) -> BTreeMap<String, String> {
    let paths = map.sources.iter();
    paths
        .map(|(topic, source)| (topic.clone(), source.key.clone()))
        .collect()
}
