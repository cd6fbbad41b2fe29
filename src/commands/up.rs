//! `up`: everything in one process, started and stopped in order.

use ::dataflow::{DataflowMap, Registry, provision};
use client::Cluster;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{generate, local_cluster, run};
use crate::{cli, map, registry, signal};

pub(crate) async fn up(args: cli::Up) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let node = local_cluster::start(args.node.clone()).await?;
    let result = on_the_cluster(&args, &node.sc_addr().to_string(), map, registry, stop).await;
    node.shutdown().await?;
    result
}

/// What needs the cluster; when it returns, nothing uses the cluster any more.
async fn on_the_cluster(
    args: &cli::Up,
    address: &str,
    map: DataflowMap,
    registry: Registry,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let cluster = Cluster::connect(Some(address)).await?;
    provision(&cluster, &map, &registry).await?;
    let mut services: JoinSet<anyhow::Result<()>> = JoinSet::new();
    if !args.no_generator {
        services.spawn(generate::follow_the_clock(
            cluster.clone(),
            args.seed,
            args.rate,
            stop.clone(),
        ));
    }
    services.spawn(run::run_dataflow(cluster, map, registry, stop.clone()));
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
