//! The unit in which a stream sends records.

use bytes::Bytes;
use fluvio_protocol::link::ErrorCode;

/// Encoded batches, and the offset after them.
#[derive(Debug)]
pub(super) struct StreamFrame {
    pub(super) bytes: Bytes,
    pub(super) next_offset: i64,
    /// The error that ends the stream after these batches.
    pub(super) error: Option<ErrorCode>,
}
