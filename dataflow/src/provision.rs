//! Makes sure that every topic and SmartModule of the map exists. Safe to repeat, by anybody.

use std::time::Duration;

use client::{Cluster, StorageBounds, TopicSettings};
use model::REJECTED_EVENTS;
use tracing::info;

use crate::error::RunError;
use crate::map::DataflowMap;
use crate::registration::Registry;
use crate::topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, SNAPSHOTS};

/// Rules are few, and hold until others come.
const RULES_RETENTION: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Ensures the map's source topics, derived topics and SmartModules, and the runner's own topics.
pub async fn provision(
    cluster: &Cluster,
    map: &DataflowMap,
    registry: &Registry,
) -> Result<(), RunError> {
    provision_sources(cluster, map).await?;
    for (name, spec) in &map.derivations {
        ensure_topic(cluster, name, spec.partitions, spec.retention).await?;
        if let Some(rules) = &spec.rules {
            ensure_topic(cluster, rules, 1, Some(RULES_RETENTION)).await?;
        }
    }
    ensure(cluster, snapshots_topic()).await?;
    for name in [
        CHECKPOINTS,
        LEASES,
        REJECTED_EVENTS,
        LATE_EVENTS,
        ACCOUNTING,
    ] {
        ensure_topic(cluster, name, 1, None).await?;
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

/// Ensures the map's source topics: all that a producer needs.
pub async fn provision_sources(cluster: &Cluster, map: &DataflowMap) -> Result<(), RunError> {
    for (name, source) in &map.sources {
        ensure_topic(cluster, name, source.partitions, source.retention).await?;
    }
    Ok(())
}

/// Ensures all that a writer of rules needs: their topic, and that of the checkpoints, which say what
/// has been taken up.
pub(crate) async fn provision_rules(cluster: &Cluster, rules: &str) -> Result<(), RunError> {
    ensure_topic(cluster, rules, 1, Some(RULES_RETENTION)).await?;
    ensure_topic(cluster, CHECKPOINTS, 1, None).await
}

/// Ensures one topic.
pub(crate) async fn ensure_topic(
    cluster: &Cluster,
    name: &str,
    partitions: u32,
    retention: Option<Duration>,
) -> Result<(), RunError> {
    let topic = TopicSettings {
        name: name.to_owned(),
        partitions,
        retention,
        storage: None,
    };
    ensure(cluster, topic).await
}

async fn ensure(cluster: &Cluster, topic: TopicSettings) -> Result<(), RunError> {
    let ensured = cluster.ensure_topic(&topic).await?;
    info!(topic = topic.name, ?ensured, "topic");
    Ok(())
}

/// Of the snapshots only the last of each derivation is needed.
fn snapshots_topic() -> TopicSettings {
    TopicSettings {
        name: SNAPSHOTS.to_owned(),
        partitions: 1,
        retention: None,
        storage: Some(StorageBounds {
            segment_bytes: 64 << 20,
            partition_bytes_max: 4 << 30,
        }),
    }
}
