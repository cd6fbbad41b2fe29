//! `UpdateOffsets`: a client has taken a frame and says where it wants the next to begin.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::update_offset::{
    OffsetUpdateStatus, UpdateOffsetsRequest, UpdateOffsetsResponse,
};

use super::Data;
use crate::net::{Request, RequestError};

/// Wakes the streams, and always answers: a client whose update stays unanswered gives up its
/// connection.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: UpdateOffsetsRequest = request.decode()?;
    let status = body.offsets.into_iter().map(|update| OffsetUpdateStatus {
        session_id: update.session_id,
        error: match data.sessions.acknowledge(update.session_id, update.offset) {
            true => ErrorCode::None,
            false => ErrorCode::FetchSessionNotFoud,
        },
    });
    let response = UpdateOffsetsResponse {
        status: status.collect(),
    };
    data.answer(request, &response).await
}
