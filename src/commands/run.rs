//! `run`: the dataflow against a cluster.

use ::dataflow::{Options, StatusBoard, provision};
use client::Cluster;

use crate::live_status::LiveStatus;
use crate::{cli, map, registry, signal};

pub(crate) async fn run(args: cli::Run) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let cluster = Cluster::connect(args.cluster.cluster.as_deref()).await?;
    provision(&cluster, &map, &registry).await?;
    println!("runner: reads from {}", cluster.address());
    let status = StatusBoard::default();
    let live = LiveStatus::start(status.clone(), &map);
    let result = ::dataflow::run(
        Options {
            cluster,
            map,
            registry,
            status,
        },
        stop.cancelled_owned(),
    )
    .await;
    live.stop();
    Ok(result?)
}
