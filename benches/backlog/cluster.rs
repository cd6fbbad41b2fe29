//! Provides an empty cluster for each measurement: a new local one, or the real one that `CLUSTER` names.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::process::LocalCluster;
use benches::settings::named;
use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::topic::TopicSpec;
use fluvio::{Fluvio, FluvioAdmin, FluvioClusterConfig};

/// The timeout for the removal of topics.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Whether each measurement starts a new local cluster or uses a real one.
pub(crate) enum Clusters {
    Local,
    Real { address: String, pid: Option<u32> },
}

pub(crate) struct EmptyCluster {
    pub(crate) address: String,
    /// The process id of the server to measure; `None` for a real cluster without `CLUSTER_PID`.
    pub(crate) pid: Option<u32>,
    local: Option<LocalCluster>,
}

impl Clusters {
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let Some(address) = named("CLUSTER") else {
            return Ok(Self::Local);
        };
        let pid = named("CLUSTER_PID").map(|pid| pid.parse());
        let pid = pid.transpose().context("CLUSTER_PID is not a number")?;
        Ok(Self::Real { address, pid })
    }

    /// Starts a local cluster, or uses the real one. The real one must be empty, because all its topics are
    /// deleted at the end.
    pub(crate) async fn start(&self) -> anyhow::Result<EmptyCluster> {
        let Self::Real { address, pid } = self else {
            let local = LocalCluster::start()?;
            return Ok(EmptyCluster {
                address: local.address.clone(),
                pid: Some(local.process.pid()),
                local: Some(local),
            });
        };
        let found = topics(&admin(address).await?).await?;
        ensure!(
            found.is_empty(),
            "{address} has topics, {found:?}: name an empty cluster"
        );
        Ok(EmptyCluster {
            address: address.clone(),
            pid: *pid,
            local: None,
        })
    }
}

impl EmptyCluster {
    /// Stops the local cluster, or deletes all topics of the real one.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        if let Some(local) = self.local {
            return local.process.stop();
        }
        let admin = admin(&self.address).await?;
        for topic in topics(&admin).await? {
            admin.delete::<TopicSpec>(topic).await?;
        }
        let started = Instant::now();
        while !topics(&admin).await?.is_empty() || !admin.all::<PartitionSpec>().await?.is_empty() {
            let still = format!("{} still has topics", self.address);
            ensure!(started.elapsed() < TIMEOUT, still);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

async fn admin(address: &str) -> anyhow::Result<FluvioAdmin> {
    let fluvio = Fluvio::connect_with_config(&FluvioClusterConfig::new(address)).await?;
    Ok(fluvio.admin().await)
}

async fn topics(admin: &FluvioAdmin) -> anyhow::Result<Vec<String>> {
    let topics = admin.all::<TopicSpec>().await?;
    Ok(topics.into_iter().map(|topic| topic.name).collect())
}
