//! Connects to a cluster in order to read and write records. Connecting fails if an online SPU cannot be reached,
//! because deliveries to that SPU would be retried forever.

use std::time::Duration;

use client::{ClientError, Cluster};
use tokio::time::{Instant, sleep};

use crate::cli::ClusterArgs;

/// How long an SPU may be unreachable before connecting fails. An SPU that starts is reported as online shortly before
/// it accepts connections, and an SPU that dies is reported as online for a moment longer. On a busy machine, an SPU
/// that compiles SmartModules may not respond for almost half a minute.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two attempts to reach the SPUs.
const POLL: Duration = Duration::from_millis(250);

/// Connects to the cluster and checks that this machine can reach every online SPU.
pub(crate) async fn connect(args: &ClusterArgs) -> anyhow::Result<Cluster> {
    let cluster = Cluster::connect_with(&args.options()).await?;
    let deadline = Instant::now() + TIMEOUT;
    let mut is_reported = false;
    while let Err(error) = reach_servers(&cluster).await {
        if !error.is_retryable() || Instant::now() >= deadline {
            return Err(error.into());
        }
        if !is_reported {
            tracing::warn!(%error, timeout = ?TIMEOUT, "an SPU cannot be reached; retrying");
            is_reported = true;
        }
        sleep(POLL).await;
    }
    Ok(cluster)
}

async fn reach_servers(cluster: &Cluster) -> Result<(), ClientError> {
    let servers = cluster.servers().await?;
    if !servers.iter().any(|server| server.online) {
        tracing::warn!("no SPU is online: records cannot be written or read until one is");
    }
    for server in servers.iter().filter(|server| server.online) {
        cluster.reach(server.id).await?;
    }
    Ok(())
}
