//! Provisions a cluster: creates everything that the dataflow needs, and registers the conventional SmartModules, which
//! people and connectors use by name.

use client::Cluster;
use dataflow::{DataflowSpec, Registry};
use tracing::info;

use crate::progress::Progress;
use crate::registry;

/// Creates whatever is missing. It can be repeated, and several processes can run it at the same time.
pub(crate) async fn provision(
    cluster: &Cluster,
    dataflow: &DataflowSpec,
    registry: &Registry,
) -> anyhow::Result<()> {
    let progress = dataflow::Progress::default();
    let _progress_bar = Progress::of("provision", "topics and SmartModules", progress.clone());
    dataflow::provision(cluster, dataflow, registry, &progress).await?;
    for (name, wasm) in registry::conventional_modules(registry) {
        let ensured = cluster.ensure_smartmodule(name, wasm).await?;
        info!(name, ?ensured, "SmartModule");
    }
    Ok(())
}
