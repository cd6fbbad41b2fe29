//! Reading without SmartModules: stored bytes go out as they are.

use std::sync::Arc;

use fluvio_protocol::link::ErrorCode;

use super::session::Frame;
use crate::cluster::Partition;

/// The next frame from `position`: whole batches only, at least one.
pub(super) async fn next(
    partition: &Arc<Partition>,
    position: i64,
    max_bytes: usize,
) -> Result<Frame, ErrorCode> {
    let slice = partition
        .clone()
        .read(position, max_bytes)
        .await
        .map_err(ErrorCode::from)?;
    Ok(Frame {
        bytes: slice.bytes,
        next_offset: slice.next_offset,
        error: None,
    })
}
