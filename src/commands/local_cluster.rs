//! `local-cluster`: the node alone.

use local_cluster::{Handle, Options};

use crate::{cli, signal};

pub(crate) async fn local_cluster(args: cli::LocalCluster) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let node = start(args.node).await?;
    stop.cancelled().await;
    node.shutdown().await?;
    Ok(())
}

/// Starts the node and prints its address once it answers.
pub(crate) async fn start(node: cli::Node) -> anyhow::Result<Handle> {
    let options = Options {
        data_dir: node.data_dir,
        sc_addr: node.cluster_addr,
        spu_addr: node.spu_addr,
    };
    let node = local_cluster::start(options).await?;
    println!("cluster: {}", node.sc_addr());
    Ok(node)
}
