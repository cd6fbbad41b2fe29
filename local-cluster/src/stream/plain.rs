//! Reads without SmartModules, and sends stored bytes unchanged.
//!
//! There is one exception: a stream that starts in the middle of a batch gets that batch without the
//! records before its start. Clients that read up to the end count the records that they receive. They
//! would otherwise count the records that they skip as well, and stop too early.

use std::sync::Arc;

use bytes::Bytes;
use fluvio_protocol::link::ErrorCode;

use super::frame::StreamFrame;
use crate::chain::{OutputSet, Processed, unpack};
use crate::cluster::Partition;
use crate::log::{BatchHeader, CheckedBatches};

/// Builds the next frame from `position` on: whole batches only, at least one.
pub(super) async fn next(
    partition: &Arc<Partition>,
    position: i64,
    max_bytes: usize,
) -> Result<StreamFrame, ErrorCode> {
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
    Ok(StreamFrame {
        bytes,
        next_offset: slice.next_offset,
        error: None,
    })
}

async fn trim(stored: Bytes, position: i64) -> Result<Bytes, ErrorCode> {
    let trimming = tokio::task::spawn_blocking(move || {
        // A batch with invalid records is sent as it is: the client reports the error.
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
