//! `StreamFetch`: starts a stream of records, which lasts at most as long as its connection.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::fetch::FetchablePartitionResponse;
use fluvio_spu_schema::server::stream_fetch::{StreamFetchRequest, StreamFetchResponse};

use super::Data;
use crate::net::{Request, RequestError};
use crate::record_set::RawSet;
use crate::store::ConsumerOffsetKey;
use crate::stream::{ConsumerStream, StreamRequest};

/// Starts a task for the stream, or answers with an error.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: StreamFetchRequest<RawSet> = request.decode()?;
    let Some(partition) = data.cluster.partition(&body.topic, body.partition) else {
        return data
            .outbox
            .answer(
                request,
                &refusal(body.topic, body.partition, ErrorCode::NotLeaderForPartition),
            )
            .await;
    };
    let consumer = body.consumer_id.map(|consumer_id| ConsumerOffsetKey {
        topic: body.topic.clone(),
        partition: body.partition,
        consumer_id,
    });
    let Some((id, acknowledged)) = data.streams.open(consumer) else {
        let code = ErrorCode::Other("too many streams on this connection: open another".to_owned());
        return data
            .outbox
            .answer(request, &refusal(body.topic, body.partition, code))
            .await;
    };
    let stream = ConsumerStream {
        id,
        cluster: data.cluster.clone(),
        pool: data.pool.clone(),
        partition,
        outbox: data.outbox.clone(),
        acknowledged,
        closing: data.closing.clone(),
    };
    tokio::spawn(stream.run(StreamRequest {
        correlation_id: request.correlation_id,
        version: request.version,
        offset: body.fetch_offset,
        max_bytes: body.max_bytes,
        smartmodules: body.smartmodules,
    }));
    Ok(())
}

fn refusal(topic: String, index: u32, error_code: ErrorCode) -> StreamFetchResponse<RawSet> {
    StreamFetchResponse {
        topic,
        stream_id: 0,
        partition: FetchablePartitionResponse {
            partition_index: index,
            error_code,
            ..Default::default()
        },
    }
}
