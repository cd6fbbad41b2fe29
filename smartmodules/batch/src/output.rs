//! Writes the output that Fluvio's SmartModule engine reads: one record for each batch, or the reason why a stream
//! cannot start.

/// Overwrites `output` with a result that contains `value` as its only record and no error. `offset_delta` must be
/// that of the batch's last record, so that the consumer continues after the batch.
pub(crate) fn write_record(value: &[u8], offset_delta: i64, output: &mut Vec<u8>) {
    const ATTRIBUTES: u8 = 0;
    const TIMESTAMP_DELTA: u8 = 0;
    const NO_KEY: u8 = 0;
    const NO_HEADERS: u8 = 0;
    let value_length = value.len() as i64;
    let fixed_fields = 4;
    let length =
        fixed_fields + varint_length(offset_delta) + varint_length(value_length) + value.len();
    output.clear();
    output.extend(1_i32.to_be_bytes());
    write_varint(length as i64, output);
    output.extend([ATTRIBUTES, TIMESTAMP_DELTA]);
    write_varint(offset_delta, output);
    output.push(NO_KEY);
    write_varint(value_length, output);
    output.extend(value);
    output.push(NO_HEADERS);
    output.push(0); // no error
}

/// Overwrites `output` with the error that `init` reports, cut to the longest text that the format allows.
pub(crate) fn write_init_error(hint: &str, output: &mut Vec<u8>) {
    let cut = hint.floor_char_boundary(i16::MAX as usize);
    output.clear();
    output.extend((cut as i16).to_be_bytes());
    output.extend(&hint.as_bytes()[..cut]);
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn varint_length(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn write_varint(value: i64, output: &mut Vec<u8>) {
    let mut bits = zigzag(value);
    while bits >= 0x80 {
        output.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    output.push(bits as u8);
}
