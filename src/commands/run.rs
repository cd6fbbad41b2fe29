//! `run`: the dataflow against a cluster.

use ::dataflow::{Options, StatusBoard, provision};
use client::Cluster;
use tokio_util::sync::CancellationToken;

use crate::live_status::LiveStatus;
use crate::{cli, map, monitoring, registry, signal, summary};

pub(crate) async fn run(args: cli::Run) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let status = StatusBoard::default();
    monitoring::start(
        args.monitoring.metrics_addr,
        &map,
        status.clone(),
        stop.clone(),
    )
    .await?;
    let cluster = Cluster::connect(args.cluster.cluster.as_deref()).await?;
    provision(&cluster, &map, &registry).await?;
    let options = Options {
        cluster,
        map,
        registry,
        status,
    };
    run_dataflow(options, stop).await
}

/// Runs the dataflow on a provisioned cluster until told to stop, with its live status and, in the
/// end, its summary.
pub(crate) async fn run_dataflow(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    println!("runner: reads from {}", options.cluster.address());
    let status = options.status.clone();
    let live = LiveStatus::start(status.clone(), &options.map);
    let result = ::dataflow::run(options, stop.cancelled_owned()).await;
    live.stop();
    summary::print(&status);
    Ok(result?)
}
