//! Connecting, for those who are about to read and write records: that these cannot travel is told at once, and not by
//! deliveries that are tried again for ever.

use std::time::Duration;

use client::{ClientError, Cluster};
use tokio::time::{Instant, sleep};

use crate::cli;

/// An SPU that starts is known to be online a moment before it can be reached; one that died, a moment after; and one
/// that compiles SmartModules on a busy machine answers nobody for half a minute.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look.
const POLL: Duration = Duration::from_millis(250);

/// Connects, and makes sure that every SPU that is online can be reached from here.
pub(crate) async fn connect(address: &cli::ClusterAddress) -> anyhow::Result<Cluster> {
    let cluster = Cluster::connect_with(&address.options()).await?;
    let deadline = Instant::now() + PATIENCE;
    let mut is_told = false;
    while let Err(error) = reach_servers(&cluster).await {
        if !error.is_retryable() || Instant::now() >= deadline {
            return Err(error.into());
        }
        if !is_told {
            tracing::warn!(%error, patience = ?PATIENCE, "an SPU cannot be reached; trying again");
            is_told = true;
        }
        sleep(POLL).await;
    }
    Ok(cluster)
}

async fn reach_servers(cluster: &Cluster) -> Result<(), ClientError> {
    let servers = cluster.servers().await?;
    if !servers.iter().any(|server| server.online) {
        tracing::warn!("no SPU is online: nothing can be written or read before one is");
    }
    for server in servers.iter().filter(|server| server.online) {
        cluster.reach(server.id).await?;
    }
    Ok(())
}
