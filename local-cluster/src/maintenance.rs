//! Periodic work: syncs logs, removes old segments, and publishes offsets.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::cluster::{Cluster, Partition, PartitionError};
use crate::limits::{RETENTION_PERIOD, STATUS_PERIOD, SYNC_PERIOD};

/// Runs the periodic work until `stop` is cancelled.
pub(crate) async fn run(cluster: Arc<Cluster>, stop: CancellationToken) {
    let mut sync = interval(SYNC_PERIOD);
    let mut retention = interval(RETENTION_PERIOD);
    let mut status = interval(STATUS_PERIOD);
    for timer in [&mut sync, &mut retention, &mut status] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = sync.tick() => each(&cluster, "sync", |partition| partition.sync_if_grown()).await,
            _ = retention.tick() => {
                let now = clock::now();
                each(&cluster, "retention", |partition| partition.enforce_retention(now)).await;
            }
            _ = status.tick() => cluster.publish_offsets(),
        }
    }
}

async fn each<F, W>(cluster: &Cluster, what: &'static str, work: F)
where
    F: Fn(Arc<Partition>) -> W,
    W: Future<Output = Result<(), PartitionError>>,
{
    for partition in cluster.partitions() {
        if let Err(error) = work(partition.clone()).await {
            tracing::error!(%error, partition = partition.name(), what, "maintenance failed");
        }
    }
}
