//! The engine's input, read in place: parameters at the start of a stream, then batches of records.

use std::collections::BTreeMap;

use crate::read::Reader;

/// Since this version of the engine's interface a batch's timestamp is part of the input.
const TIMESTAMPS_VERSION: i32 = 22;

/// One batch as the engine hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    base_offset: i64,
    base_timestamp: Option<i64>,
    records: &'a [u8],
}

impl<'a> Input<'a> {
    /// Reads the envelope: `base_offset`, the records' bytes, two fields that only older versions
    /// have, and from version 22 on `base_timestamp`, which is always last. `None` for other bytes.
    pub fn read(bytes: &'a [u8], version: i32) -> Option<Self> {
        let mut reader = Reader(bytes);
        let base_offset = i64::from_be_bytes(reader.array()?);
        let length = u32::from_be_bytes(reader.array()?);
        let records = reader.bytes(usize::try_from(length).ok()?)?;
        let base_timestamp = match version {
            TIMESTAMPS_VERSION.. => Some(i64::from_be_bytes(*reader.0.last_chunk()?)),
            _ => None,
        };
        Some(Self {
            base_offset,
            base_timestamp: base_timestamp.filter(|ms| *ms >= 0),
            records,
        })
    }

    /// The records, in order.
    pub fn records(&self) -> Records<'a> {
        let mut reader = Reader(self.records);
        let count = reader.array().map_or(0, i32::from_be_bytes);
        Records {
            input: *self,
            reader,
            remaining: count.max(0),
        }
    }
}

/// A record of the batch, borrowed from the engine's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its true offset in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch, as its producer or the server noted; `None` where neither did.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: &'a [u8],
}

/// Iterates over a batch's records. Bytes that are no record end it.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    input: Input<'a>,
    reader: Reader<'a>,
    remaining: i32,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        if self.remaining == 0 {
            return None;
        }
        self.remaining -= 1;
        let record = self.record();
        if record.is_none() {
            self.remaining = 0;
        }
        record
    }
}

impl<'a> Records<'a> {
    /// How many records the batch claims to have left; counting them would take a second pass.
    pub(crate) fn claimed(&self) -> i32 {
        self.remaining
    }

    #[inline]
    fn record(&mut self) -> Option<Record<'a>> {
        let mut fields = Reader(self.reader.varint_bytes()?);
        let [_attributes] = fields.array()?;
        let timestamp_delta = fields.varint()?;
        let offset_delta = fields.varint()?;
        let key = match fields.array()? {
            [0] => None,
            _ => Some(fields.varint_bytes()?),
        };
        Some(Record {
            offset: self.input.base_offset.checked_add(offset_delta)?,
            timestamp: self
                .input
                .base_timestamp
                .and_then(|base| base.checked_add(timestamp_delta)),
            key,
            value: fields.varint_bytes()?,
        })
    }
}

/// The parameters of the invocation, from the input of `init`.
pub(crate) fn read_params(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut reader = Reader(bytes);
    let count = u16::from_be_bytes(reader.array()?);
    (0..count)
        .map(|_| Some((reader.text()?.to_owned(), reader.text()?.to_owned())))
        .collect()
}
