//! Provisions a cluster: creates everything that the dataflow needs, and also the SmartModules that belong to
//! no derivation. People and connectors use these by name.

use client::Cluster;
use dataflow::{DataflowSpec, Registry};
use tracing::info;

use crate::progress::Progress;
use crate::registry;

/// Creates whatever is missing. This is safe to repeat, and to run in several processes at once.
pub(crate) async fn provision(
    cluster: &Cluster,
    dataflow: &DataflowSpec,
    registry: &Registry,
) -> anyhow::Result<()> {
    let progress = dataflow::Progress::default();
    let _progress_bar = Progress::of("provision", "topics and SmartModules", progress.clone());
    dataflow::provision(cluster, dataflow, registry, &progress).await?;
    for (name, wasm) in registry::conventional_modules() {
        let ensured = cluster.ensure_smartmodule(name, wasm).await?;
        info!(name, ?ensured, "SmartModule");
    }
    Ok(())
}
