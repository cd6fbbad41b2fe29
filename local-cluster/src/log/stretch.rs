//! Picks whole batches out of a stretch of a segment's bytes, which begins with one.
//!
//! Errors come with the position of what is no batch.

use super::batch::{BatchError, BatchHeader, HEADER_BYTES};

/// The batch in `bytes` that holds `offset`, and where it begins
pub(super) fn find(bytes: &[u8], offset: i64) -> Result<(usize, BatchHeader), (usize, BatchError)> {
    let mut at = 0;
    loop {
        let header = BatchHeader::parse(&bytes[at..]).map_err(|error| (at, error))?;
        if header.next_offset() > offset {
            return Ok((at, header));
        }
        at = bytes.len().min(at + header.total_bytes);
    }
}

/// Where whole batches end that begin `at` and stay within `max_bytes` and below the offset
/// `end`, and the offset after them
pub(super) fn extend(
    bytes: &[u8],
    at: usize,
    first: BatchHeader,
    end: i64,
    max_bytes: usize,
) -> Result<(usize, i64), (usize, BatchError)> {
    let limit = bytes.len().min(at + max_bytes);
    let (mut to, mut next_offset) = (at + first.total_bytes, first.next_offset());
    while to + HEADER_BYTES <= limit && next_offset < end {
        let header = BatchHeader::parse(&bytes[to..]).map_err(|error| (to, error))?;
        if to + header.total_bytes > limit {
            break;
        }
        to += header.total_bytes;
        next_offset = header.next_offset();
    }
    Ok((to, next_offset))
}
