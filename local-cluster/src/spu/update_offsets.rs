//! `UpdateOffsets`: acknowledges a frame and requests the next one from an offset.

use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::server::update_offset::{
    OffsetUpdateStatus, UpdateOffsetsRequest, UpdateOffsetsResponse,
};

use super::Data;
use crate::net::{Request, RequestError};

/// Passes each offset to its stream, which then sends its next frame. Always responds, because a client that
/// gets no response closes its connection.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    let body: UpdateOffsetsRequest = request.decode()?;
    let status = body.offsets.into_iter().map(|update| OffsetUpdateStatus {
        session_id: update.session_id,
        error: match data.streams.acknowledge(update.session_id, update.offset) {
            true => ErrorCode::None,
            false => ErrorCode::FetchSessionNotFoud,
        },
    });
    let response = UpdateOffsetsResponse {
        status: status.collect(),
    };
    data.outbox.answer(request, &response).await
}
