//! Reading without SmartModules: stored bytes go out as they are.
//!
//! With one exception. A stream that starts in the middle of a batch gets that batch without the
//! records before its start: clients that read up to the end count what they are sent, and would
//! stop too early by as many records as they skip.

use std::sync::Arc;

use bytes::Bytes;
use fluvio_protocol::link::ErrorCode;

use super::session::Frame;
use crate::chain::{OutputSet, Processed, unpack};
use crate::cluster::Partition;
use crate::log::{BatchHeader, CheckedBatches};

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
    let starts_within =
        BatchHeader::parse(&slice.bytes).is_ok_and(|first| first.base_offset < position);
    let bytes = if starts_within {
        trim(slice.bytes, position).await?
    } else {
        slice.bytes
    };
    Ok(Frame {
        bytes,
        next_offset: slice.next_offset,
        error: None,
    })
}

async fn trim(stored: Bytes, position: i64) -> Result<Bytes, ErrorCode> {
    let trimming = tokio::task::spawn_blocking(move || {
        // a batch whose records are not what they should be is the client's to judge
        trimmed(stored.clone(), position).unwrap_or(stored)
    });
    trimming.await.map_err(|_| ErrorCode::SpuError)
}

fn trimmed(stored: Bytes, position: i64) -> Option<Bytes> {
    let first = CheckedBatches::new(stored.clone()).next()?.ok()?;
    let mut kept = OutputSet::new(position);
    kept.push(&Processed {
        input: *first.header(),
        records: unpack(&first)?,
        error: None,
    });
    let mut bytes = Vec::from(kept.encode());
    bytes.extend_from_slice(&stored[first.bytes().len()..]);
    Some(bytes.into())
}
