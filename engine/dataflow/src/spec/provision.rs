//! Ensures that the topics of the dataflow file, the runner's own topics and the SmartModule `dataflow` exist.
//! Idempotent.

use std::time::Duration;

use client::{Cluster, StorageBounds, TopicSettings};
use model::REJECTED_EVENTS;
use tracing::info;

use crate::error::RunError;
use crate::progress::Progress;
use crate::spec::DataflowSpec;
use crate::spec::modules::MODULE;
use crate::spec::registration::Registry;
use crate::topics::{ACCOUNTING, CHECKPOINTS, LATE_EVENTS, LEASES, SNAPSHOTS};

/// The retention of rules topics and tables: ten years. Their records are few, and apply until newer ones replace them.
const KEPT_RETENTION: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Ensures that the source, table, derived and rules topics of the dataflow file, the SmartModule `dataflow`, and the
/// runner's own topics exist. `progress` counts the source topics, the derived topics and the SmartModule.
pub async fn provision(
    cluster: &Cluster,
    dataflow: &DataflowSpec,
    registry: &Registry,
    progress: &Progress,
) -> Result<(), RunError> {
    let (sources, derivations) = (dataflow.sources.len(), dataflow.derivations.len());
    progress.add_total((sources + derivations + 1) as u64);
    provision_sources(cluster, dataflow).await?;
    progress.add_done(sources as u64);
    for (name, spec) in &dataflow.derivations {
        ensure_topic(cluster, name, spec.partitions, spec.retention).await?;
        progress.add_done(1);
        if let Some(rules) = &spec.rules {
            ensure_topic(cluster, rules, 1, Some(KEPT_RETENTION)).await?;
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
    let module = registry.dataflow_module()?;
    let ensured = cluster.ensure_smartmodule(MODULE, module.wasm()).await?;
    info!(name = MODULE, ?ensured, "SmartModule");
    progress.add_done(1);
    Ok(())
}

/// Ensures that the source topics and the tables of the dataflow file exist. A producer needs no others.
pub async fn provision_sources(cluster: &Cluster, dataflow: &DataflowSpec) -> Result<(), RunError> {
    for name in dataflow.tables.keys() {
        ensure_topic(cluster, name, 1, Some(KEPT_RETENTION)).await?;
    }
    for (name, source) in &dataflow.sources {
        ensure_topic(cluster, name, source.partitions, source.retention).await?;
    }
    Ok(())
}

/// Ensures that the topics for publishing rules exist: the rules topic, and the topic of checkpoints, which contain
/// the adopted versions.
pub(crate) async fn provision_rules(cluster: &Cluster, rules: &str) -> Result<(), RunError> {
    ensure_topic(cluster, rules, 1, Some(KEPT_RETENTION)).await?;
    ensure_topic(cluster, CHECKPOINTS, 1, None).await
}

/// Ensures that a topic exists.
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

/// The settings of the topic of snapshots. Only the last snapshot of each derivation is needed, so the topic's
/// size is limited.
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
