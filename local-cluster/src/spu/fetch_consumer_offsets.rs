//! `FetchConsumerOffsets`: returns the offsets of named consumers.

use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::record::ReplicaKey;
use fluvio_spu_schema::server::consumer_offset::{
    ConsumerOffset, FetchConsumerOffsetsRequest, FetchConsumerOffsetsResponse,
};

use super::Data;
use crate::net::{Request, RequestError};
use crate::store::ConsumerOffsetKey;

/// Answers with the offsets that match the request's filters.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: FetchConsumerOffsetsRequest = request.decode()?;
    let filter = body.filter_opts.unwrap_or_default();
    let wanted = |key: &ConsumerOffsetKey| {
        let of_replica =
            |replica: &ReplicaKey| replica.topic == key.topic && replica.partition == key.partition;
        filter.replica_id.as_ref().is_none_or(of_replica)
            && filter
                .consumer_id
                .as_ref()
                .is_none_or(|id| *id == key.consumer_id)
    };
    let found = data.cluster.consumer_offsets(wanted);
    let consumers = found.into_iter().map(|(key, stored)| {
        let replica = ReplicaKey::new(key.topic, key.partition);
        ConsumerOffset::new(
            key.consumer_id,
            replica,
            stored.offset,
            stored.modified_time,
        )
    });
    let response = FetchConsumerOffsetsResponse {
        error_code: ErrorCode::None,
        consumers: consumers.collect(),
    };
    data.outbox.answer(request, &response).await
}
