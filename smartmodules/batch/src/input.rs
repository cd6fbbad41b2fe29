//! Reads the engine's input in place: the parameters at the start of a stream, then batches of records.

use std::collections::BTreeMap;

use crate::read::Reader;

/// The first version of the engine's interface whose input includes the batch's timestamp.
const TIMESTAMPS_VERSION: i32 = 22;

/// One batch, as the engine passes it to a SmartModule.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    base_offset: i64,
    base_timestamp: Option<i64>,
    records: &'a [u8],
}

impl<'a> Input<'a> {
    /// Reads a batch: `base_offset`, the bytes of the records, two fields of older versions, and since version 22
    /// `base_timestamp`, which is always last. Returns `None` if the bytes do not have this form.
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

    /// Returns an iterator over the records in order.
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
    /// The record's offset in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch, set by the producer or the server; `None` if neither set a time.
    pub timestamp: Option<i64>,
    /// The record's key.
    pub key: Option<&'a [u8]>,
    /// The record's value.
    pub value: &'a [u8],
}

/// An iterator over a batch's records. It ends at the first bytes that are not a record.
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
    /// Returns the number of remaining records according to the count that precedes them. Counting the records
    /// themselves would take a second pass.
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

/// Reads the parameters of the stream from the input of `init`.
pub(crate) fn read_params(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut reader = Reader(bytes);
    let count = u16::from_be_bytes(reader.array()?);
    (0..count)
        .map(|_| Some((reader.text()?.to_owned(), reader.text()?.to_owned())))
        .collect()
}
