//! The true start and end offsets of a partition, requested from the server that leads it.

use fluvio::dataplane::api::RequestMessage;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::ReplicaKey;
use fluvio::metadata::objects::Metadata;
use fluvio::metadata::spu::SpuSpec;
use fluvio_spu_schema::server::fetch_offset::{FetchOffsetPartitionResponse, FetchOffsetsRequest};
use std::time::Duration;
use tokio::time::timeout;

use crate::{ClientError, Cluster, Offset, OffsetRange, Partition};

/// The deadline for the server's answer, which it gives from memory. A server without an answer by then is considered
/// down.
const OFFSETS_DEADLINE: Duration = Duration::from_secs(10);

impl Cluster {
    /// The offset after the last committed record of the partition.
    pub async fn end_offset(
        &self,
        topic: &str,
        partition: Partition,
    ) -> Result<Offset, ClientError> {
        Ok(self.offsets(topic, partition).await?.end)
    }

    /// The offset of the first record of the partition that still exists.
    pub async fn start_offset(
        &self,
        topic: &str,
        partition: Partition,
    ) -> Result<Offset, ClientError> {
        Ok(self.offsets(topic, partition).await?.start)
    }

    /// The offsets of the records that exist, from the first one that retention has not removed to the last committed
    /// one. Both ends come from the same response.
    pub async fn offsets(
        &self,
        topic: &str,
        partition: Partition,
    ) -> Result<OffsetRange, ClientError> {
        let replica = ReplicaKey::new(topic, partition.0);
        let what = format!("asking for the offsets of `{replica}`");
        let leader = self.leader(&replica, &what).await?;
        let answer = timeout(OFFSETS_DEADLINE, self.fetch_offsets(&leader, &replica))
            .await
            .map_err(|_| self.server_silent(&what, &leader, OFFSETS_DEADLINE))?
            .map_err(|error| ClientError::from_fluvio(&what, &error))?;
        match answer.error_code {
            ErrorCode::None => Ok(OffsetRange {
                start: Offset(answer.start_offset),
                end: Offset(answer.last_stable_offset),
            }),
            code => Err(ClientError::from_code(what, &code)),
        }
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
            .ok_or_else(|| anyhow::anyhow!("the response does not contain the partition"))
    }
}
