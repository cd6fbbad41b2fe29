//! `FetchOffsets`: returns the first and the end offset of partitions. Clients request them before they
//! consume.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::fetch_offset::{
    FetchOffsetPartitionResponse, FetchOffsetTopicResponse, FetchOffsetsRequest,
    FetchOffsetsResponse,
};

use super::Data;
use crate::cluster::Cluster;
use crate::net::{Request, RequestError};

/// Answers for every requested partition; unknown ones get an error code.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: FetchOffsetsRequest = request.decode()?;
    let topic = |topic: fluvio_spu_schema::server::fetch_offset::FetchOffsetTopic| {
        let indexes = topic
            .partitions
            .iter()
            .map(|partition| partition.partition_index);
        let partitions = indexes
            .map(|index| offsets(&data.cluster, &topic.name, index))
            .collect();
        FetchOffsetTopicResponse {
            name: topic.name,
            partitions,
        }
    };
    let response = FetchOffsetsResponse {
        topics: body.topics.into_iter().map(topic).collect(),
    };
    data.outbox.answer(request, &response).await
}

fn offsets(cluster: &Cluster, topic: &str, index: u32) -> FetchOffsetPartitionResponse {
    let unknown = FetchOffsetPartitionResponse {
        error_code: ErrorCode::PartitionNotLeader,
        partition_index: index,
        start_offset: -1,
        last_stable_offset: -1,
    };
    cluster
        .partition(topic, index)
        .map_or(unknown, |partition| FetchOffsetPartitionResponse {
            error_code: ErrorCode::None,
            partition_index: index,
            start_offset: partition.start_offset(),
            last_stable_offset: partition.end_offset(),
        })
}
