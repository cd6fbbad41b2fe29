//! `UpdateConsumerOffset`: a named consumer stores how far it has come.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::consumer_offset::{
    UpdateConsumerOffsetRequest, UpdateConsumerOffsetResponse,
};

use super::Data;
use crate::net::{Request, RequestError};

/// Stores the offset under the name that the stream was opened with; durable before the answer.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: UpdateConsumerOffsetRequest = request.decode()?;
    let error_code = match data.sessions.consumer(body.session_id) {
        None => ErrorCode::FetchSessionNotFoud,
        Some(None) => ErrorCode::OffsetManagementDisabled,
        Some(Some(key)) => match data.cluster.put_consumer_offset(key, body.offset).await {
            Ok(true) => ErrorCode::None,
            Ok(false) => ErrorCode::TopicDeleted,
            Err(refusal) => refusal.code,
        },
    };
    data.answer(
        request,
        &UpdateConsumerOffsetResponse {
            offset: body.offset,
            error_code,
        },
    )
    .await
}
