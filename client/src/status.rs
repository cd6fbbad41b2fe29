//! What a controller says of its cluster: servers, topics, and partitions that nobody leads.

use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::topic::{TopicResolution, TopicSpec};

use crate::{ClientError, Cluster, Server};

/// A cluster as its controller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    /// Every registered server, by number.
    pub servers: Vec<Server>,
    /// How many topics there are, but for the cluster's own.
    pub topics: usize,
    /// How many partitions these have.
    pub partitions: usize,
    /// What cannot be written or read now.
    pub unready: Vec<Unready>,
}

/// A topic or partition that cannot be written or read now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// The topic's or partition's name.
    pub name: String,
    /// What it lacks.
    pub reason: String,
}

impl Cluster {
    /// Asks the controller for all of it.
    pub async fn status(&self) -> Result<ClusterStatus, ClientError> {
        let servers = self.servers().await?;
        let topics = self.list::<TopicSpec>(None).await?;
        let partitions = self.list::<PartitionSpec>(None).await?;
        let unprovisioned = topics
            .iter()
            .filter(|topic| topic.status.resolution != TopicResolution::Provisioned)
            .map(|topic| Unready {
                name: topic.name.clone(),
                reason: format!(
                    "{} {}",
                    topic.status.resolution.resolution_label(),
                    topic.status.reason
                )
                .trim_end()
                .to_owned(),
            });
        let leaderless = partitions
            .iter()
            .filter(|partition| !partition.status.is_online())
            .map(|partition| Unready {
                name: partition.name.clone(),
                reason: format!("no leader; server `{}` was it last", partition.spec.leader),
            });
        let mut unready: Vec<Unready> = unprovisioned.chain(leaderless).collect();
        unready.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(ClusterStatus {
            topics: topics.len(),
            partitions: partitions.len(),
            unready,
            servers,
        })
    }
}
