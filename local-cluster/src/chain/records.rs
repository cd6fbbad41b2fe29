//! Encodes and decodes records, with checked bounds.
//!
//! Fluvio's published codec is not used here. It trusts the lengths in its input, which comes from producers, and
//! it writes values byte by byte, which is slow on the hot path.

use bytes::{Buf, BufMut};
use fluvio_protocol::record::{Record, RecordData};
use thiserror::Error;

/// The stored bytes are not records, although their checksum is correct.
#[derive(Debug, Error)]
#[error("the batch does not contain the records that its header declares")]
pub(super) struct Malformed;

/// Decodes an `i32` count and that number of records.
pub(super) fn decode(mut bytes: &[u8]) -> Result<Vec<Record>, Malformed> {
    let count = bytes.try_get_i32().map_err(|_| Malformed)?;
    (0..count).map(|_| decode_record(&mut bytes)).collect()
}

/// Appends one record with the given deltas.
pub(super) fn encode(record: &Record, offset_delta: i64, timestamp_delta: i64, out: &mut Vec<u8>) {
    let key = record.key.as_ref().map(|key| key.as_ref());
    let value = record.value.as_ref();
    let key_size = key.map_or(1, |key| 1 + sized(key));
    let inner =
        1 + varint_size(timestamp_delta) + varint_size(offset_delta) + key_size + sized(value) + 1;
    put_varint(inner as i64, out);
    out.put_u8(0); // attributes: none are defined
    put_varint(timestamp_delta, out);
    put_varint(offset_delta, out);
    match key {
        None => out.put_u8(0),
        Some(key) => {
            out.put_u8(1);
            put_data(key, out);
        }
    }
    put_data(value, out);
    put_varint(0, out); // headers: always none
}

fn decode_record(bytes: &mut &[u8]) -> Result<Record, Malformed> {
    let mut inner = take_data(bytes)?;
    inner.try_get_i8().map_err(|_| Malformed)?;
    let mut record = Record::default();
    record.preamble.set_timestamp_delta(take_delta(&mut inner)?);
    record.preamble.set_offset_delta(take_delta(&mut inner)?);
    if inner.try_get_u8().map_err(|_| Malformed)? != 0 {
        record.key = Some(RecordData::from(take_data(&mut inner)?));
    }
    record.value = RecordData::from(take_data(&mut inner)?);
    Ok(record)
}

/// Reads a delta. Rejects values outside ±2^30: the engine's codec truncates them, or never returns.
fn take_delta(bytes: &mut &[u8]) -> Result<i64, Malformed> {
    let delta = take_varint(bytes)?;
    (delta.unsigned_abs() < 1 << 30)
        .then_some(delta)
        .ok_or(Malformed)
}

fn take_data<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = usize::try_from(take_varint(bytes)?).map_err(|_| Malformed)?;
    let (data, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
    *bytes = rest;
    Ok(data)
}

fn put_data(data: &[u8], out: &mut Vec<u8>) {
    put_varint(data.len() as i64, out);
    out.extend_from_slice(data);
}

fn sized(data: &[u8]) -> usize {
    varint_size(data.len() as i64) + data.len()
}

fn take_varint(bytes: &mut &[u8]) -> Result<i64, Malformed> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().map_err(|_| Malformed)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(Malformed)
}

fn put_varint(value: i64, out: &mut Vec<u8>) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn varint_size(value: i64) -> usize {
    let bits = (64 - zigzag(value).leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use fluvio_protocol::{Decoder, Encoder};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The published codec and the one in this file write the same bytes, and read the same record from them.
        #[test]
        fn both_codecs_agree(
            key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
            value in proptest::collection::vec(any::<u8>(), 0..300),
            offset_delta in -70_000i64..70_000,
            // The published encoder truncates larger deltas, or never returns.
            timestamp_delta in -(1i64 << 30)..1 << 30,
        ) {
            let mut record = Record::new(value);
            record.key = key.map(RecordData::from);
            record.preamble.set_offset_delta(offset_delta);
            record.preamble.set_timestamp_delta(timestamp_delta);
            let mut published = Vec::new();
            record.encode(&mut published, 0).unwrap();
            let mut ours = Vec::new();
            encode(&record, offset_delta, timestamp_delta, &mut ours);
            prop_assert_eq!(&ours, &published);
            let back = decode_record(&mut ours.as_slice()).unwrap();
            let oracle = Record::<RecordData>::decode_from(&mut published.as_slice(), 0).unwrap();
            prop_assert_eq!(back.value, oracle.value);
            prop_assert_eq!(back.key, oracle.key);
            prop_assert_eq!(back.preamble.offset_delta(), offset_delta);
            prop_assert_eq!(back.preamble.get_timestamp_delta(), timestamp_delta);
        }

        #[test]
        fn any_bytes_end_in_records_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
