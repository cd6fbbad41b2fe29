//! Makes sure that every topic and SmartModule of the map exists. Safe to repeat, by anybody.

use client::{Cluster, TopicSettings};
use tracing::info;

use crate::error::RunError;
use crate::map::DataflowMap;
use crate::registration::Registry;
use crate::topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, REJECTED_EVENTS};

/// Ensures the map's source topics, derived topics and SmartModules, and the runner's own topics.
pub async fn provision(
    cluster: &Cluster,
    map: &DataflowMap,
    registry: &Registry,
) -> Result<(), RunError> {
    let own = [
        CHECKPOINTS,
        LEASES,
        REJECTED_EVENTS,
        LATE_EVENTS,
        ACCOUNTING,
    ]
    .map(|name| topic(name, 1, None));
    let sources = map
        .sources
        .iter()
        .map(|(name, source)| topic(name, source.partitions, source.retention));
    let derived = map
        .derivations
        .iter()
        .map(|(name, spec)| topic(name, spec.partitions, spec.retention));
    for topic in sources.chain(derived).chain(own) {
        let ensured = cluster.ensure_topic(&topic).await?;
        info!(topic = topic.name, ?ensured, "topic");
    }
    for name in map.derivations.keys() {
        let module = registry
            .module(name)
            .ok_or_else(|| RunError::ModuleMissing(name.clone()))?;
        let ensured = cluster.ensure_smartmodule(name, module).await?;
        info!(name, ?ensured, "SmartModule");
    }
    Ok(())
}

fn topic(name: &str, partitions: u32, retention: Option<std::time::Duration>) -> TopicSettings {
    TopicSettings {
        name: name.to_owned(),
        partitions,
        retention,
    }
}
