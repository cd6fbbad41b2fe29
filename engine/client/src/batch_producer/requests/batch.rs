//! A batch in the form in which it is sent. The `fluvio` crate builds a batch in three buffers, one after another, each
//! of which copies all records. For hundreds of kilobytes of records, this would take longer than encoding them.

use std::io;

use bytes::{Buf, BufMut};
use fluvio::Compression;
use fluvio::dataplane::core::{Decoder, Encoder, Version};
use fluvio::dataplane::record::{BATCH_FILE_HEADER_SIZE, BATCH_PREAMBLE_SIZE, BatchHeader};
use fluvio_compression::CompressionError;

use super::encoding::{self, KeyValue};
use crate::now_ms;

/// The size of the header's fields up to and including the checksum. The checksum covers everything after it.
const CHECKED_FROM: usize = BATCH_PREAMBLE_SIZE + size_of::<i32>() + 1 + size_of::<u32>();

/// One encoded batch. In a request it takes the place of the `fluvio` crate's set of batches, and is encoded in the
/// same way as a set of one batch.
#[derive(Debug, Default)]
pub(in crate::batch_producer) struct EncodedBatch(Vec<u8>);

impl EncodedBatch {
    /// Encodes a batch. Its records have the current time as their timestamp.
    pub(super) fn of(
        records: &[KeyValue],
        compression: Compression,
    ) -> Result<Self, CompressionError> {
        let now = now_ms();
        let mut header = BatchHeader {
            last_offset_delta: records.len() as i32 - 1,
            first_timestamp: now,
            max_time_stamp: now,
            ..BatchHeader::default()
        };
        header.set_compression(compression);
        let capacity = BATCH_FILE_HEADER_SIZE + encoding::content_bytes_max(records);
        let mut bytes = Vec::with_capacity(capacity);
        bytes.resize(CHECKED_FROM, 0); // written last
        encode_checked(&header, &mut bytes)?;
        if compression == Compression::None {
            encoding::encode(records, &mut bytes)?;
        } else {
            let mut plain = Vec::with_capacity(capacity);
            encoding::encode(records, &mut plain)?;
            bytes.extend_from_slice(&compression.compress(&plain)?);
        }
        header.crc = crc32c::crc32c(&bytes[CHECKED_FROM..]);
        let mut start = Vec::with_capacity(CHECKED_FROM);
        0_i64.encode(&mut start, 0)?; // the server sets the offset of the first record
        ((bytes.len() - BATCH_PREAMBLE_SIZE) as i32).encode(&mut start, 0)?;
        header.partition_leader_epoch.encode(&mut start, 0)?;
        header.magic.encode(&mut start, 0)?;
        header.crc.encode(&mut start, 0)?;
        bytes[..CHECKED_FROM].copy_from_slice(&start);
        Ok(Self(bytes))
    }
}

/// Appends the header's fields that the checksum covers.
fn encode_checked(header: &BatchHeader, output: &mut Vec<u8>) -> io::Result<()> {
    header.attributes.encode(output, 0)?;
    header.last_offset_delta.encode(output, 0)?;
    header.first_timestamp.encode(output, 0)?;
    header.max_time_stamp.encode(output, 0)?;
    header.producer_id.encode(output, 0)?;
    header.producer_epoch.encode(output, 0)?;
    header.first_sequence.encode(output, 0)
}

impl Encoder for EncodedBatch {
    fn write_size(&self, _: Version) -> usize {
        size_of::<i32>() + self.0.len()
    }

    fn encode<T: BufMut>(&self, output: &mut T, version: Version) -> io::Result<()> {
        (self.0.len() as i32).encode(output, version)?;
        output.put_slice(&self.0);
        Ok(())
    }
}

/// The `fluvio` crate demands that a request can also be decoded.
impl Decoder for EncodedBatch {
    fn decode<T: Buf>(&mut self, input: &mut T, version: Version) -> io::Result<()> {
        let mut length = 0_i32;
        length.decode(input, version)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if input.remaining() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0 = vec![0; length];
        input.copy_to_slice(&mut self.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fluvio::dataplane::record::{Batch, RawRecords, RecordSet};

    use super::*;

    /// The records, as the `fluvio` crate reads them from an encoded batch.
    fn read(encoded: &EncodedBatch) -> Batch<RawRecords> {
        let bytes = encoded.as_bytes(0).expect("encodes");
        assert_eq!(bytes.len(), encoded.write_size(0));
        let mut set = RecordSet::<RawRecords>::default();
        set.decode(&mut bytes.as_ref(), 0).expect("decodes");
        let [batch] = <[_; 1]>::try_from(set.batches).expect("one batch");
        batch
    }

    #[test]
    fn the_encoding_is_that_of_the_fluvio_crate() {
        let record = |index: usize| (format!("key {index}"), vec![b'v'; 3 * index]);
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let records: Vec<_> = (0..500).map(record).collect();
            let encoded = EncodedBatch::of(&records, compression).expect("encodes");
            let set = RecordSet::default().add(read(&encoded));
            let oracle = set.as_bytes(0).expect("encodes");
            assert_eq!(encoded.as_bytes(0).expect("encodes"), oracle);
            let mut copy = EncodedBatch::default();
            copy.decode(&mut oracle.as_ref(), 0).expect("decodes");
            assert_eq!(copy.0, encoded.0);
        }
    }

    #[test]
    fn a_batch_is_compressed_as_its_header_states() {
        let records = vec![("key".to_owned(), "value".repeat(1_000).into_bytes())];
        for compression in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
            let encoded = EncodedBatch::of(&records, compression).expect("encodes");
            let batch = read(&encoded);
            assert_eq!(batch.get_compression().expect("is known"), compression);
            assert!(batch.records().0.len() < 1_000);
            let records_read = batch.memory_records().expect("decodes");
            assert_eq!(records_read[0].value.as_ref(), records[0].1);
        }
    }

    #[test]
    fn a_batch_that_is_cut_short_is_not_decoded() {
        let encoded = EncodedBatch::of(&[("k".to_owned(), vec![1])], Compression::None);
        let bytes = encoded.expect("encodes").as_bytes(0).expect("encodes");
        let mut copy = EncodedBatch::default();
        assert!(copy.decode(&mut &bytes[..bytes.len() - 1], 0).is_err());
    }
}
