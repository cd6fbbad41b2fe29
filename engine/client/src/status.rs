//! The state of a cluster as its controller reports it: servers, topics, and partitions without a leader.

use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::topic::{TopicResolution, TopicSpec};

use crate::{ClientError, Cluster, Server};

/// The state of a cluster as seen by its controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterStatus {
    /// All registered servers, ordered by number.
    pub servers: Vec<Server>,
    /// The number of topics, not counting system topics.
    pub topics: usize,
    /// The number of partitions of these topics.
    pub partitions: usize,
    /// Topics and partitions that cannot be written to or read from at the moment.
    pub unready: Vec<Unready>,
}

/// A topic or partition that cannot be written to or read from at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// The topic's or partition's name.
    pub name: String,
    /// The reason why it is not ready.
    pub reason: String,
}

impl Cluster {
    /// Asks the controller for the cluster's status.
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
                reason: format!(
                    "no leader; the last one was server `{}`",
                    partition.spec.leader
                ),
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
