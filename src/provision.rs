//! What a cluster has before anything runs on it: all that the dataflow needs, and the SmartModules
//! that are no derivation's, for people and connectors to use by name.

use client::Cluster;
use dataflow::{DataflowMap, Registry};
use tracing::info;

use crate::registry;

/// Ensures all of it. Safe to repeat, by anybody.
pub(crate) async fn provision(
    cluster: &Cluster,
    map: &DataflowMap,
    registry: &Registry,
) -> anyhow::Result<()> {
    dataflow::provision(cluster, map, registry).await?;
    for (name, wasm) in registry::conventional_modules(registry) {
        let ensured = cluster.ensure_smartmodule(name, wasm).await?;
        info!(name, ?ensured, "SmartModule");
    }
    Ok(())
}
