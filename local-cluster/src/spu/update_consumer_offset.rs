//! `UpdateConsumerOffset`: stores the offset of a named consumer.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::consumer_offset::{
    UpdateConsumerOffsetRequest, UpdateConsumerOffsetResponse,
};

use super::Data;
use crate::net::{Request, RequestError};

/// Stores the offset under the consumer name with which the stream was opened. The offset is durable before
/// the response is sent.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: UpdateConsumerOffsetRequest = request.decode()?;
    let error_code = match data.streams.consumer(body.session_id) {
        None => ErrorCode::FetchSessionNotFoud,
        Some(None) => ErrorCode::OffsetManagementDisabled,
        Some(Some(key)) => match data.cluster.put_consumer_offset(key, body.offset).await {
            Ok(true) => ErrorCode::None,
            Ok(false) => ErrorCode::TopicDeleted,
            Err(error) => error.code,
        },
    };
    data.outbox
        .answer(
            request,
            &UpdateConsumerOffsetResponse {
                offset: body.offset,
                error_code,
            },
        )
        .await
}
