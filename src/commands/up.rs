//! `up`: everything in one process, started and stopped in order.

use ::dataflow::{DataflowMap, Options, Registry, StatusBoard};
use client::Cluster;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{dashboard, generate, local_cluster, run, web_api};
use crate::provision::provision;
use crate::{cli, map, monitoring, registry, signal};

pub(crate) async fn up(args: cli::Up) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let status = StatusBoard::default();
    let metrics_addr = args.monitoring.metrics_addr;
    monitoring::start(metrics_addr, &map, status.clone(), stop.clone()).await?;
    let node = local_cluster::start(args.node.clone()).await?;
    let address = node.sc_addr().to_string();
    let result = on_the_cluster(&args, &address, map, registry, status, stop).await;
    node.shutdown().await?;
    result
}

/// What needs the cluster; when it returns, nothing uses the cluster any more.
async fn on_the_cluster(
    args: &cli::Up,
    address: &str,
    map: DataflowMap,
    registry: Registry,
    status: StatusBoard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let cluster = Cluster::connect(Some(address)).await?;
    provision(&cluster, &map, &registry).await?;
    let posts = web_api::start(cluster.clone(), &args.posting, stop.clone()).await?;
    let shown = dashboard::start(cluster.clone(), &args.showing, stop.clone()).await?;
    let mut services: JoinSet<anyhow::Result<()>> = JoinSet::new();
    if !args.no_generator {
        let options = generate::live(cluster.clone(), args)?;
        services.spawn(generate::generate_until(stop.clone(), options));
    }
    let options = Options {
        cluster,
        map,
        registry,
        status,
        shared_reads: args.reading.shared_reads,
    };
    services.spawn(run::run_dataflow(options, stop.clone()));
    services.spawn(async move { Ok(posts.stopped().await?) });
    services.spawn(async move { Ok(shown.stopped().await?) });
    all(services, &stop).await
}

/// Waits for every service; the first that fails stops the others.
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
