//! The encoding of a batch. The `fluvio` crate encodes a record byte by byte, which would take a large part of the time
//! of a write.

use std::io;

use fluvio::dataplane::core::EncoderVarInt;

/// A key and a value.
pub(in crate::batch_producer) type KeyValue = (String, Vec<u8>);

/// The maximum size of the fields of a record other than its key and value: two bytes, and six numbers of at most
/// five bytes.
const FIXED_MAX: usize = 2 + 6 * 5;

/// Returns a size that the encoded record does not exceed.
pub(super) fn bytes_max((key, value): &KeyValue) -> usize {
    key.len() + value.len() + FIXED_MAX
}

/// Returns a size that the content of a batch does not exceed.
pub(super) fn content_bytes_max(records: &[KeyValue]) -> usize {
    size_of::<i32>() + records.iter().map(bytes_max).sum::<usize>()
}

/// Appends the content of a batch to `output`: the number of records, then each record, preceded by its length. Records
/// have no headers and no timestamps of their own.
pub(super) fn encode(records: &[KeyValue], output: &mut Vec<u8>) -> io::Result<()> {
    output.extend((records.len() as i32).to_be_bytes());
    for (offset_delta, (key, value)) in (0_i64..).zip(records) {
        let [key_length, value_length] = [key.len(), value.len()].map(|length| length as i64);
        let fixed = [
            offset_delta.var_write_size(),
            key_length.var_write_size(),
            value_length.var_write_size(),
        ];
        let fixed = 4 + fixed.iter().sum::<usize>() as i64;
        (fixed + key_length + value_length).encode_varint(output)?;
        output.extend([0, 0]); // the attributes, and the distance from the batch's timestamp
        offset_delta.encode_varint(output)?;
        output.push(1); // the record has a key
        key_length.encode_varint(output)?;
        output.extend_from_slice(key.as_bytes());
        value_length.encode_varint(output)?;
        output.extend_from_slice(value);
        output.push(0); // no headers
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fluvio::dataplane::core::Encoder;
    use fluvio::dataplane::record::Record;

    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_fluvio_crate() {
        let lengths = [0, 1, 63, 64, 127, 128, 8_191, 8_192, 20_000];
        let record = |length: usize| ("k".repeat(length / 3), vec![7; length]);
        let records: Vec<_> = lengths.into_iter().cycle().take(100).map(record).collect();
        let with_delta = |(delta, (key, value)): (i64, &KeyValue)| {
            let mut record = Record::new_key_value(key.as_str(), value.as_slice());
            record.get_mut_header().set_offset_delta(delta);
            record
        };
        let expected: Vec<Record> = (0..).zip(&records).map(with_delta).collect();
        let mut oracle = Vec::new();
        expected.encode(&mut oracle, 0).expect("encodes");
        let mut encoded = Vec::new();
        encode(&records, &mut encoded).expect("encodes");
        assert_eq!(encoded, oracle);
        assert!(encoded.len() <= content_bytes_max(&records));
    }
}
