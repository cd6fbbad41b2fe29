//! `provision`: create everything that the dataflow needs, before any service runs.

use client::Cluster;

use crate::cli::ProvisionCommand;
use crate::terminal::say;
use crate::{dataflow_file, registry};

pub(crate) async fn provision(args: ProvisionCommand) -> anyhow::Result<()> {
    let registry = registry::registry();
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry)?;
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    crate::provision::provision(&cluster, &dataflow, &registry).await?;
    say!("provisioned: {}", cluster.address());
    Ok(())
}
