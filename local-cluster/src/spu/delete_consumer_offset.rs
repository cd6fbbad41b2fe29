//! `DeleteConsumerOffset`: forgetting how far a named consumer had come.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::consumer_offset::{
    DeleteConsumerOffsetRequest, DeleteConsumerOffsetResponse,
};

use super::Data;
use crate::net::{Request, RequestError};
use crate::store::ConsumerOffsetKey;

/// Forgets the offset. An unknown name is no error.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: DeleteConsumerOffsetRequest = request.decode()?;
    let key = ConsumerOffsetKey {
        topic: body.replica_id.topic,
        partition: body.replica_id.partition,
        consumer_id: body.consumer_id,
    };
    let error_code = match data.cluster.remove_consumer_offset(key).await {
        Ok(()) => ErrorCode::None,
        Err(refusal) => refusal.code,
    };
    data.answer(request, &DeleteConsumerOffsetResponse { error_code })
        .await
}
