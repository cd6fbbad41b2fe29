//! A cache of the servers that lead partitions. The controller's response covers every partition of every topic, so a
//! program that opens hundreds of streams at once asks the controller only once.

use std::collections::BTreeMap;
use std::time::Duration;

use fluvio::dataplane::record::ReplicaKey;
use fluvio::metadata::objects::Metadata;
use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::spu::SpuSpec;
use tokio::time::Instant;

use crate::{ClientError, Cluster};

/// How long a cached response is used. During this time a caller may reach a former leader and get a retryable error.
/// An attempt after this time asks the controller for the current leader.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The controller's last answer, and the time of the request.
pub(crate) struct Topology {
    asked: Instant,
    leaders: BTreeMap<String, i32>,
    servers: Vec<Metadata<SpuSpec>>,
}

impl Topology {
    fn is_fresh(&self) -> bool {
        self.asked.elapsed() < FRESH_FOR
    }
}

impl Cluster {
    /// The server that leads the partition. Asks the controller again if the cache is too old or does not contain
    /// the partition.
    pub(crate) async fn leader(
        &self,
        replica: &ReplicaKey,
        what: &str,
    ) -> Result<Metadata<SpuSpec>, ClientError> {
        let name = replica.to_string();
        let mut known = self.topology().lock().await;
        let is_known = |known: &Topology| known.is_fresh() && known.leaders.contains_key(&name);
        if !known.as_ref().is_some_and(is_known) {
            *known = None;
            *known = Some(self.ask_for_topology().await?);
        }
        let topology = known.as_ref();
        let Some(leader) = topology.and_then(|known| known.leaders.get(&name)) else {
            let reason = format!("partition `{name}` does not exist");
            return Err(ClientError::topic_missing(what, reason));
        };
        let mut servers = topology.iter().flat_map(|known| &known.servers);
        let found = servers.find(|server| server.spec.id == *leader);
        found.cloned().ok_or_else(|| {
            let reason = format!("its leader, server `{leader}`, is not registered");
            ClientError::retry(what, reason)
        })
    }

    async fn ask_for_topology(&self) -> Result<Topology, ClientError> {
        let asked = Instant::now();
        let partitions = self.list::<PartitionSpec>(None).await?;
        let leader = |partition: Metadata<PartitionSpec>| (partition.name, partition.spec.leader);
        Ok(Topology {
            asked,
            leaders: partitions.into_iter().map(leader).collect(),
            servers: self.list::<SpuSpec>(None).await?,
        })
    }
}
