//! Finds whole batches in a slice of a segment's bytes. The slice begins with a batch.
//!
//! Each error is returned together with the position of the invalid batch in the slice.

use super::batch::{BatchError, BatchHeader, HEADER_BYTES};

/// Finds the batch in `bytes` that contains `offset`, and its position.
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

/// Starting with the batch `first` at `at`, finds how many whole batches stay within `max_bytes` and below
/// the offset `end`. Returns the position and the offset after them.
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
