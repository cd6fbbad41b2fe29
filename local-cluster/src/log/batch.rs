//! Fluvio's record batches as raw bytes: what a header says, and whether a batch is whole and sound.
//!
//! A batch is stored and sent exactly as the producer encoded it, so nothing here decodes records.
//! All integers are big endian:
//!
//! ```text
//!  0 base offset i64            23 last offset delta i32     51 producer epoch i16
//!  8 length of what follows i32 27 first timestamp i64       53 first sequence i32
//! 12 leader epoch i32           35 max timestamp i64         57 records: i32 count and records,
//! 16 magic i8, 17 crc32c u32    43 producer id i64              or those two compressed
//! 21 attributes i16
//! ```
//!
//! The checksum covers everything from the attributes on, and so not the base offset, which the
//! log sets.

use bytes::{Buf, Bytes};
use fluvio_compression::Compression;
use thiserror::Error;

/// Bytes of a batch before its records
pub(crate) const HEADER_BYTES: usize = 57;

/// The largest batch that is accepted, all bytes counted: the production engine's limit, so that
/// whatever is stored here can also be produced there
pub(crate) const MAX_BATCH_BYTES: usize = 32 << 20;

/// The most records a batch may claim: what fits the largest batch without compression. A
/// compressed batch is not opened to count, so this bounds what one may do to the offsets.
pub(crate) const MAX_BATCH_RECORDS: i32 = (MAX_BATCH_BYTES / MIN_RECORD_BYTES) as i32;

/// Length, attributes, timestamp delta, offset delta, no key, empty value, no headers: one byte each
const MIN_RECORD_BYTES: usize = 7;

/// Base offset and length, which the length does not count
const PREFIX_BYTES: usize = 12;

/// Where the bytes under the checksum begin
const CHECKED_FROM: usize = 21;

const MAGIC: i8 = 2;
const COMPRESSION_MASK: i16 = 0x07;
const SCHEMA_ID_BIT: i16 = 0x10;

/// Why bytes are not a sound batch
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum BatchError {
    /// The bytes end before the batch does
    #[error("batch is cut short: `{have}` of `{needed}` bytes are there")]
    Incomplete { needed: usize, have: usize },
    /// The length field cannot be right
    #[error("batch length `{0}` is impossible, it must count at least the header")]
    Length(i32),
    /// Above [`MAX_BATCH_BYTES`]
    #[error("batch of `{0}` bytes exceeds {MAX_BATCH_BYTES}: produce smaller batches")]
    TooLarge(usize),
    /// Another format
    #[error("batch format `{0}` is unknown, only {MAGIC} is")]
    Magic(i8),
    /// Damaged on its way or at rest
    #[error("batch checksum is `{stored:08x}` but its bytes give `{computed:08x}`: send it again")]
    Checksum { stored: u32, computed: u32 },
    /// Fluvio's own decoders mis-frame such batches
    #[error("batch carries a schema id, which is not supported: produce without one")]
    SchemaId,
    /// No such algorithm
    #[error("compression `{0}` is unknown: use none, gzip, snappy, lz4 or zstd")]
    Compression(i16),
    /// No record, or more than can be
    #[error("last offset delta `{0}` is not within 0 and {max}", max = MAX_BATCH_RECORDS - 1)]
    LastOffsetDelta(i32),
    /// The header and the records disagree
    #[error("batch says `{count}` records but its last offset delta is `{last_offset_delta}`")]
    RecordCount { count: i32, last_offset_delta: i32 },
    /// Whole, but not at its place in the log
    #[error("batch has base offset `{found}` where `{expected}` belongs")]
    OutOfPlace { expected: i64, found: i64 },
}

/// The fields of a batch's header that anything here needs
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// The first record's offset; meaningless in what a producer sends
    pub(crate) base_offset: i64,
    /// All bytes of the batch, header and length field included
    pub(crate) total_bytes: usize,
    /// crc32c of everything from the attributes on
    pub(crate) checksum: u32,
    /// How the records are packed
    pub(crate) compression: Compression,
    /// The last record's offset minus the base offset
    pub(crate) last_offset_delta: i32,
    /// Milliseconds since 1970 to which the records' timestamp deltas are added; -1 = unknown
    pub(crate) first_timestamp: i64,
    /// Milliseconds since 1970 of the youngest record; -1 = unknown
    pub(crate) max_timestamp: i64,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; the records need not be there
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

    /// How many offsets, and so records, the batch takes
    pub(crate) fn record_count(&self) -> i64 {
        i64::from(self.last_offset_delta) + 1
    }

    /// The offset after the batch's last record
    pub(crate) fn next_offset(&self) -> i64 {
        self.base_offset.saturating_add(self.record_count())
    }

    /// Checks what the header says against `batch`, all bytes of the same batch
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

/// A batch known to be whole and sound; cheap to clone
#[derive(Debug, Clone)]
pub(crate) struct CheckedBatch {
    header: BatchHeader,
    bytes: Bytes,
}

impl CheckedBatch {
    /// What its header says
    pub(crate) fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// All its bytes, as on the wire
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What follows the header: an `i32` count and the records, compressed if the header says so
    pub(crate) fn records(&self) -> Bytes {
        self.bytes.slice(HEADER_BYTES..)
    }
}

/// All batches of a raw record set, batches back to back, or why it must be refused as a whole
pub(crate) fn split_checked(raw: Bytes) -> Result<Vec<CheckedBatch>, BatchError> {
    CheckedBatches::new(raw).collect()
}

/// Walks batches that stand back to back, checking each; ends after the first that is not sound
#[derive(Debug)]
pub(crate) struct CheckedBatches {
    rest: Bytes,
}

impl CheckedBatches {
    /// Over a raw record set or the bytes of a read
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
