//! Fluvio's record batches as raw bytes: parses headers, and checks that a batch is complete and undamaged.
//!
//! A batch is stored and sent as the producer encoded it, except for its base offset, so nothing here decodes
//! records. All integers are big endian:
//!
//! ```text
//!  0 base offset i64            23 last offset delta i32     51 producer epoch i16
//!  8 length of what follows i32 27 first timestamp i64       53 first sequence i32
//! 12 leader epoch i32           35 max timestamp i64         57 records: i32 count and records,
//! 16 magic i8, 17 crc32c u32    43 producer id i64              or those two compressed
//! 21 attributes i16
//! ```
//!
//! The checksum covers everything from the attributes on. It does not cover the base offset, so the log can set
//! the base offset without changing the checksum.

use bytes::{Buf, Bytes};
use fluvio_compression::Compression;
use thiserror::Error;

/// The size of a batch's header, which ends where the records begin.
pub(crate) const HEADER_BYTES: usize = 57;

/// The largest accepted batch, header included: the limit of Fluvio's own servers, so that every batch
/// stored here can also be produced there.
pub(crate) const MAX_BATCH_BYTES: usize = 32 << 20;

/// The largest record count that a batch may declare: how many of the smallest records fit in the largest
/// uncompressed batch. Compressed batches are not decompressed to count their records, so this limit also bounds
/// how many offsets a single compressed batch can take.
pub(crate) const MAX_BATCH_RECORDS: i32 = (MAX_BATCH_BYTES / MIN_RECORD_BYTES) as i32;

/// The smallest record: length, attributes, timestamp delta, offset delta, no key, empty value, no headers;
/// one byte each.
const MIN_RECORD_BYTES: usize = 7;

/// The size of the base offset and the length field, which the length field does not count.
const PREFIX_BYTES: usize = 12;

/// The position of the first byte that the checksum covers.
const CHECKED_FROM: usize = 21;

const MAGIC: i8 = 2;
const COMPRESSION_MASK: i16 = 0x07;
const SCHEMA_ID_BIT: i16 = 0x10;

/// Why bytes are not a valid batch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum BatchError {
    #[error("batch is incomplete: it has {have} of {needed} bytes")]
    Incomplete { needed: usize, have: usize },
    /// The length field has an impossible value.
    #[error("batch length {0} is invalid: it must include at least the header")]
    Length(i32),
    /// The batch is larger than [`MAX_BATCH_BYTES`].
    #[error("batch of {0} bytes exceeds {MAX_BATCH_BYTES}: produce smaller batches")]
    TooLarge(usize),
    /// The batch does not have the format [`MAGIC`].
    #[error("batch format {0} is not supported, only {MAGIC} is")]
    Magic(i8),
    /// The batch was damaged in transit or on disk.
    #[error("batch checksum is {stored:08x}, but its bytes have {computed:08x}: send it again")]
    Checksum { stored: u32, computed: u32 },
    /// The batch has a schema id. Fluvio's own decoders misread the boundaries of such batches.
    #[error("batch has a schema id, which is not supported: produce without one")]
    SchemaId,
    /// The compression algorithm does not exist.
    #[error("compression {0} is unknown: use none, gzip, snappy, lz4 or zstd")]
    Compression(i16),
    /// The batch declares no records, or more than can fit.
    #[error("last offset delta {0} is not between 0 and {max}", max = MAX_BATCH_RECORDS - 1)]
    LastOffsetDelta(i32),
    /// The header and the records declare different numbers of records.
    #[error("batch has {count} records, but its last offset delta is {last_offset_delta}")]
    RecordCount { count: i32, last_offset_delta: i32 },
    /// The batch's base offset does not continue the log, or its offsets reach the largest possible one.
    #[error("batch has base offset {found}, expected {expected}")]
    OutOfPlace { expected: i64, found: i64 },
}

/// The fields of a batch's header that the node uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// The first record's offset; meaningless in a batch from a producer.
    pub(crate) base_offset: i64,
    /// The size of the whole batch, including the header and the length field.
    pub(crate) total_bytes: usize,
    /// The crc32c of everything from the attributes on.
    pub(crate) checksum: u32,
    pub(crate) compression: Compression,
    /// The last record's offset minus the base offset.
    pub(crate) last_offset_delta: i32,
    /// The time in milliseconds since 1970 to which the records' timestamp deltas are added; -1 = unknown.
    pub(crate) first_timestamp: i64,
    /// The time of the latest record in milliseconds since 1970; -1 = unknown.
    pub(crate) max_timestamp: i64,
}

impl BatchHeader {
    /// Parses the header at the start of `bytes`. The rest of the batch may be missing.
    pub(crate) fn parse(mut bytes: &[u8]) -> Result<Self, BatchError> {
        if bytes.len() < HEADER_BYTES {
            let have = bytes.len();
            return Err(BatchError::Incomplete {
                needed: HEADER_BYTES,
                have,
            });
        }
        let base_offset = bytes.get_i64();
        let total_bytes = total_bytes(bytes.get_i32())?;
        bytes.advance(size_of::<i32>());
        let magic = bytes.get_i8();
        if magic != MAGIC {
            return Err(BatchError::Magic(magic));
        }
        Ok(Self {
            base_offset,
            total_bytes,
            checksum: bytes.get_u32(),
            compression: compression(bytes.get_i16())?,
            last_offset_delta: last_offset_delta(bytes.get_i32())?,
            first_timestamp: bytes.get_i64(),
            max_timestamp: bytes.get_i64(),
        })
    }

    /// Returns the number of offsets, and so of records, that the batch takes.
    pub(crate) fn record_count(&self) -> i64 {
        i64::from(self.last_offset_delta) + 1
    }

    /// Returns the offset after the batch's last record.
    pub(crate) fn next_offset(&self) -> i64 {
        self.base_offset.saturating_add(self.record_count())
    }

    /// Checks the length and the checksum of `batch`, which includes this header. If the batch is not compressed,
    /// also checks its record count.
    pub(crate) fn check(&self, batch: &[u8]) -> Result<(), BatchError> {
        let (needed, have) = (self.total_bytes, batch.len());
        if have != needed {
            return Err(BatchError::Incomplete { needed, have });
        }
        let (stored, computed) = (self.checksum, crc32c::crc32c(&batch[CHECKED_FROM..]));
        if stored != computed {
            return Err(BatchError::Checksum { stored, computed });
        }
        match self.compression {
            Compression::None => self.check_count(&batch[HEADER_BYTES..]),
            _ => Ok(()),
        }
    }

    fn check_count(&self, mut records: &[u8]) -> Result<(), BatchError> {
        let count = records.try_get_i32().unwrap_or(0);
        let fits = records.len() as i64 >= i64::from(count) * MIN_RECORD_BYTES as i64;
        if i64::from(count) == self.record_count() && fits {
            return Ok(());
        }
        let last_offset_delta = self.last_offset_delta;
        Err(BatchError::RecordCount {
            count,
            last_offset_delta,
        })
    }
}

/// A batch that passed all checks. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct CheckedBatch {
    header: BatchHeader,
    bytes: Bytes,
}

impl CheckedBatch {
    pub(crate) fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// Returns the whole batch as it is on the wire.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the bytes after the header: an `i32` count and the records, compressed if the header names a
    /// compression.
    pub(crate) fn records(&self) -> Bytes {
        self.bytes.slice(HEADER_BYTES..)
    }
}

/// Splits a record set into its batches; fails if any batch is invalid, because a set is refused as a
/// whole.
pub(crate) fn split_checked(raw: Bytes) -> Result<Vec<CheckedBatch>, BatchError> {
    CheckedBatches::new(raw).collect()
}

/// Iterates over adjacent batches and checks each one; ends after the first invalid one.
#[derive(Debug)]
pub(crate) struct CheckedBatches {
    rest: Bytes,
}

impl CheckedBatches {
    /// Iterates over a record set or the bytes of a read.
    pub(crate) fn new(raw: Bytes) -> Self {
        Self { rest: raw }
    }

    fn take_batch(&mut self) -> Result<CheckedBatch, BatchError> {
        let header = BatchHeader::parse(&self.rest)?;
        let (needed, have) = (header.total_bytes, self.rest.len());
        if have < needed {
            return Err(BatchError::Incomplete { needed, have });
        }
        let bytes = self.rest.split_to(needed);
        header.check(&bytes)?;
        Ok(CheckedBatch { header, bytes })
    }
}

impl Iterator for CheckedBatches {
    type Item = Result<CheckedBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = self.take_batch();
        if batch.is_err() {
            self.rest.clear();
        }
        Some(batch)
    }
}

fn total_bytes(length: i32) -> Result<usize, BatchError> {
    let total = usize::try_from(length).map_err(|_| BatchError::Length(length))? + PREFIX_BYTES;
    match total {
        _ if total < HEADER_BYTES => Err(BatchError::Length(length)),
        _ if total > MAX_BATCH_BYTES => Err(BatchError::TooLarge(total)),
        _ => Ok(total),
    }
}

fn compression(attributes: i16) -> Result<Compression, BatchError> {
    if attributes & SCHEMA_ID_BIT != 0 {
        return Err(BatchError::SchemaId);
    }
    let code = attributes & COMPRESSION_MASK;
    Compression::try_from(code as i8).map_err(|_| BatchError::Compression(code))
}

fn last_offset_delta(delta: i32) -> Result<i32, BatchError> {
    match delta {
        0..MAX_BATCH_RECORDS => Ok(delta),
        _ => Err(BatchError::LastOffsetDelta(delta)),
    }
}
