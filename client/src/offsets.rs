//! The true first and end offsets of a partition, asked of the server that leads it.

use fluvio::dataplane::api::RequestMessage;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::ReplicaKey;
use fluvio::metadata::objects::Metadata;
use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::spu::SpuSpec;
use fluvio_spu_schema::server::fetch_offset::{FetchOffsetPartitionResponse, FetchOffsetsRequest};
use std::time::Duration;
use tokio::time::timeout;

use crate::{ClientError, Cluster};

/// The answer comes from the server's memory: slower than this means that the server is gone.
const OFFSETS_DEADLINE: Duration = Duration::from_secs(10);

/// Which records of a partition exist: `start <= offset < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// The first record that retention has left.
    pub start: i64,
    /// One past the last committed record.
    pub end: i64,
}

impl Cluster {
    /// One past the last committed record of the partition.
    pub async fn end_offset(&self, topic: &str, partition: u32) -> Result<i64, ClientError> {
        Ok(self.offsets(topic, partition).await?.end)
    }

    /// The first record of the partition that still exists.
    pub async fn start_offset(&self, topic: &str, partition: u32) -> Result<i64, ClientError> {
        Ok(self.offsets(topic, partition).await?.start)
    }

    /// Both at once.
    pub async fn offsets(&self, topic: &str, partition: u32) -> Result<Offsets, ClientError> {
        let replica = ReplicaKey::new(topic, partition);
        let what = format!("asking for the offsets of `{replica}`");
        let leader = self.leader(&replica, &what).await?;
        let answer = timeout(OFFSETS_DEADLINE, self.fetch_offsets(&leader, &replica))
            .await
            .map_err(|_| self.server_silent(&what, &leader, OFFSETS_DEADLINE))?
            .map_err(|error| ClientError::from_fluvio(&what, &error))?;
        match answer.error_code {
            ErrorCode::None => Ok(Offsets {
                start: answer.start_offset,
                end: answer.last_stable_offset,
            }),
            code => Err(ClientError::from_code(what, &code)),
        }
    }

    /// The server that leads the partition, as the controller knows it now.
    async fn leader(
        &self,
        replica: &ReplicaKey,
        what: &str,
    ) -> Result<Metadata<SpuSpec>, ClientError> {
        let name = replica.to_string();
        let partitions = self.list::<PartitionSpec>(None).await?;
        let Some(partition) = partitions
            .into_iter()
            .find(|partition| partition.name == name)
        else {
            return Err(ClientError::configuration(
                what,
                format!("partition `{name}` does not exist"),
            ));
        };
        let leader = partition.spec.leader;
        let servers = self.list::<SpuSpec>(None).await?;
        servers
            .into_iter()
            .find(|server| server.spec.id == leader)
            .ok_or_else(|| {
                let reason = format!("its leader, server `{leader}`, is not registered");
                ClientError::retry(what, reason)
            })
    }

    async fn fetch_offsets(
        &self,
        leader: &Metadata<SpuSpec>,
        replica: &ReplicaKey,
    ) -> anyhow::Result<FetchOffsetPartitionResponse> {
        let (mut socket, _, versions) = self.dial(leader).await?.split();
        let request = FetchOffsetsRequest::new(replica.topic.clone(), replica.partition);
        let mut message = RequestMessage::new_request(request);
        if let Some(version) = versions.lookup_version::<FetchOffsetsRequest>() {
            message.get_mut_header().set_api_version(version);
        }
        let answer = socket.send(&message).await?.response;
        answer
            .find_partition(replica)
            .ok_or_else(|| anyhow::anyhow!("the answer lacks the partition"))
    }
}
