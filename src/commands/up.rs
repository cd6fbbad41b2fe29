//! `up`: run everything in one process, with an orderly start and stop.

use std::sync::Arc;

use ::dataflow::{DataflowSpec, Options, Registry, StatusBoard};
use client::Cluster;
use data_generator::{Catalogue, Topic, World};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{dashboard, generate, local_cluster, provisioned, run, web_api};
use crate::cli::UpCommand;
use crate::terminal::note;
use crate::{dataflow_file, monitoring, registry, signal};

pub(crate) async fn up(args: UpCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry)?;
    let catalogue = args.catalogue.load()?;
    let status = StatusBoard::default();
    let metrics_addr = args.metrics.metrics_addr;
    monitoring::start(metrics_addr, &dataflow, status.clone(), stop.clone()).await?;
    // The cluster has its own token, so that it stops after the services: they write to it even after `stop` is
    // cancelled.
    let stop_node = CancellationToken::new();
    let node = local_cluster::start(args.local_cluster.clone(), stop_node.clone()).await?;
    let address = node.sc_addr().to_string();
    let result = run_services(&args, &address, dataflow, catalogue, registry, status, stop).await;
    stop_node.cancel();
    node.stopped().await?;
    result
}

/// Runs every service on the cluster until all of them have stopped, then waits for a limited time until their pending
/// records have been sent.
async fn run_services(
    args: &UpCommand,
    address: &str,
    dataflow: DataflowSpec,
    catalogue: Arc<Catalogue>,
    registry: Registry,
    status: StatusBoard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let cluster = Cluster::connect(Some(address)).await?;
    provisioned::prepare(&cluster, &dataflow, &registry).await?;
    let web_api = web_api::start(cluster.clone(), &dataflow, &args.web_api, stop.clone()).await?;
    let dashboard = dashboard::start(
        cluster.clone(),
        &dataflow,
        &catalogue,
        &args.dashboard,
        stop.clone(),
    )
    .await?;
    let mut services: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let has_people = args.people.players.is_some();
    if !args.no_generator && has_topics_of_generator(&dataflow, has_people) {
        let options = generate::live(args, catalogue)?;
        let generator = generate::generate_until(stop.clone(), cluster.clone(), options);
        services.spawn(generator);
    }
    let to_drain = cluster.clone();
    let options = Options {
        cluster,
        dataflow,
        registry,
        status,
    };
    services.spawn(run::run_dataflow(options, stop.clone()));
    services.spawn(async move { Ok(web_api.stopped().await?) });
    services.spawn(async move { Ok(dashboard.stopped().await?) });
    let result = all(services, &stop).await;
    to_drain.drain().await;
    result
}

/// Returns whether the dataflow file declares all topics to which the generator writes. If not, says so.
fn has_topics_of_generator(dataflow: &DataflowSpec, has_people: bool) -> bool {
    let mut topics = World::topics(has_people).map(Topic::name);
    let missing = topics.find(|topic| !dataflow.sources.contains_key(*topic));
    if let Some(topic) = missing {
        note(&format!(
            "the generator does not run: the dataflow file does not declare `{topic}`"
        ));
    }
    missing.is_none()
}

/// Waits until all services have ended. If one of them fails, the others are stopped.
async fn all(
    mut services: JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut result = Ok(());
    while let Some(ended) = services.join_next().await {
        let ended = ended.map_err(anyhow::Error::from).flatten();
        if ended.is_err() {
            stop.cancel();
            result = result.and(ended);
        }
    }
    result
}
