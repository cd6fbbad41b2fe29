//! Connects to a cluster and creates the topics that a subcommand needs. The functions that connect return an error if
//! a request to stop arrives while they wait.

use ::dataflow::{DataflowSpec, Registry, provision_sources};
use client::Cluster;
use tokio_util::sync::CancellationToken;

use crate::capacity;
use crate::cli::ClusterArgs;
use crate::connect::connect;
use crate::provision::provision;
use crate::signal::unless_stopped;

/// Connects and creates any missing source topics.
pub(super) async fn with_sources(
    args: &ClusterArgs,
    dataflow: &DataflowSpec,
    stop: &CancellationToken,
) -> anyhow::Result<Cluster> {
    unless_stopped(stop, async {
        let cluster = connect(args).await?;
        provision_sources(&cluster, dataflow).await?;
        Ok(cluster)
    })
    .await
}

/// Connects and creates everything that the dataflow needs.
pub(super) async fn with_dataflow(
    args: &ClusterArgs,
    dataflow: &DataflowSpec,
    registry: &Registry,
    stop: &CancellationToken,
) -> anyhow::Result<Cluster> {
    unless_stopped(stop, async {
        let cluster = connect(args).await?;
        prepare(&cluster, dataflow, registry).await?;
        Ok(cluster)
    })
    .await
}

/// Checks that enough connections are available for the dataflow, then creates everything that it needs.
pub(super) async fn prepare(
    cluster: &Cluster,
    dataflow: &DataflowSpec,
    registry: &Registry,
) -> anyhow::Result<()> {
    capacity::check(cluster, dataflow).await?;
    provision(cluster, dataflow, registry).await
}
