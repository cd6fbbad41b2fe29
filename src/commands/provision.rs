//! `provision`: a cluster with all that the dataflow needs, before anything runs on it.

use client::Cluster;

use crate::{cli, map, registry};

pub(crate) async fn provision(args: cli::Provision) -> anyhow::Result<()> {
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    crate::provision::provision(&cluster, &map, &registry).await?;
    println!("provisioned: {}", cluster.address());
    Ok(())
}
