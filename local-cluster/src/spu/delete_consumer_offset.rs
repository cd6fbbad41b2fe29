//! `DeleteConsumerOffset`: removes the offset of a named consumer.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::consumer_offset::{
    DeleteConsumerOffsetRequest, DeleteConsumerOffsetResponse,
};

use super::Data;
use crate::net::{Request, RequestError};
use crate::store::ConsumerOffsetKey;

/// Removes the offset. An unknown name is not an error.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: DeleteConsumerOffsetRequest = request.decode()?;
    let key = ConsumerOffsetKey {
        topic: body.replica_id.topic,
        partition: body.replica_id.partition,
        consumer_id: body.consumer_id,
    };
    let error_code = match data.cluster.remove_consumer_offset(key).await {
        Ok(()) => ErrorCode::None,
        Err(error) => error.code,
    };
    data.outbox
        .answer(request, &DeleteConsumerOffsetResponse { error_code })
        .await
}
