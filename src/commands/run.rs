//! `run`: the dataflow against a cluster.

use ::dataflow::{DataflowMap, Options, Registry, StatusBoard, provision};
use client::Cluster;
use tokio_util::sync::CancellationToken;

use crate::live_status::LiveStatus;
use crate::{cli, map, registry, signal, summary};

pub(crate) async fn run(args: cli::Run) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let cluster = Cluster::connect(args.cluster.cluster.as_deref()).await?;
    provision(&cluster, &map, &registry).await?;
    run_dataflow(cluster, map, registry, stop).await
}

/// Runs the dataflow on a provisioned cluster until told to stop, with its live status and, in the
/// end, its summary.
pub(crate) async fn run_dataflow(
    cluster: Cluster,
    map: DataflowMap,
    registry: Registry,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    println!("runner: reads from {}", cluster.address());
    let status = StatusBoard::default();
    let live = LiveStatus::start(status.clone(), &map);
    let options = Options {
        cluster,
        map,
        registry,
        status: status.clone(),
    };
    let result = ::dataflow::run(options, stop.cancelled_owned()).await;
    live.stop();
    summary::print(&status);
    Ok(result?)
}
