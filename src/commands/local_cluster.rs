//! `local-cluster`: run the embedded cluster without any other service.

use local_cluster::{Handle, Listeners, Options};
use tokio_util::sync::CancellationToken;

use crate::cli::{LocalClusterArgs, LocalClusterCommand};
use crate::signal;
use crate::terminal::say;

pub(crate) async fn local_cluster(args: LocalClusterCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let node = start(args.local_cluster, stop).await?;
    Ok(node.stopped().await?)
}

/// Starts the cluster and prints its address. The cluster runs until `stop` is cancelled.
pub(crate) async fn start(
    args: LocalClusterArgs,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let listeners = Listeners::bind(args.cluster_addr, args.spu_addr).await?;
    let node = local_cluster::start(listeners, Options::new(args.data_dir), stop).await?;
    say!("cluster: {}", node.sc_addr());
    Ok(node)
}
