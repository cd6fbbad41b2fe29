//! Checks which bytes are accepted as a batch, and which are not.

use fluvio_protocol::Decoder;
use fluvio_protocol::record::{Batch, RawRecords};
use proptest::prelude::*;

use super::*;

/// The position of the checksum according to the format's description. It covers all bytes after it.
const CHECKSUM: std::ops::Range<usize> = 17..21;

fn with_checksum(mut bytes: Vec<u8>) -> Bytes {
    let checksum = crc32c::crc32c(&bytes[CHECKSUM.end..]);
    bytes[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
    bytes.into()
}

/// Checks an uncompressed batch of two records after `change` was applied and the checksum corrected.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<CheckedBatch>, BatchError> {
    let mut bytes = encoded(&["a", "b"], Compression::None).to_vec();
    change(&mut bytes);
    split_checked(with_checksum(bytes))
}

#[test]
fn every_compression_of_the_published_encoder_is_read() {
    for compression in COMPRESSIONS {
        let values = ["one", "two", "three"];
        let batch = checked(&values, compression);
        assert_eq!(batch.header().compression, compression);
        assert_eq!(batch.header().record_count(), 3);
        assert_eq!(batch.header().first_timestamp, 1_700_000_000_000);
        assert_eq!(batch.header().max_timestamp, 1_700_000_000_001);

        let mut decoded = Batch::<RawRecords>::default();
        decoded.decode(&mut batch.bytes().clone(), 0).unwrap();
        assert_eq!(decoded.records().0, batch.records());
        let records = decoded.memory_records().unwrap();
        let found: Vec<&[u8]> = records
            .iter()
            .map(|record| record.value().as_ref())
            .collect();
        assert_eq!(found, values.map(str::as_bytes));
    }
}

#[test]
fn forged_headers_are_refused() {
    assert!(forged(|_| ()).is_ok());
    let field = |at: usize, value: Vec<u8>| {
        forged(move |bytes| bytes[at..at + value.len()].copy_from_slice(&value)).unwrap_err()
    };
    let int = |value: i32| value.to_be_bytes().to_vec();
    assert_eq!(field(8, int(-1)), BatchError::Length(-1));
    assert_eq!(field(8, int(i32::MIN)), BatchError::Length(i32::MIN));
    assert_eq!(field(8, int(44)), BatchError::Length(44));
    assert_eq!(
        field(8, int(i32::MAX)),
        BatchError::TooLarge(i32::MAX as usize + 12)
    );
    assert!(matches!(
        field(8, int(1 << 20)),
        BatchError::Incomplete { .. }
    ));
    assert_eq!(field(16, vec![1]), BatchError::Magic(1));
    assert_eq!(field(21, vec![0, 0x10]), BatchError::SchemaId);
    assert_eq!(field(21, vec![0, 5]), BatchError::Compression(5));
    assert_eq!(field(23, int(-1)), BatchError::LastOffsetDelta(-1));
    assert_eq!(
        field(23, int(i32::MAX)),
        BatchError::LastOffsetDelta(i32::MAX)
    );
    let expected = BatchError::RecordCount {
        count: 2,
        last_offset_delta: 2,
    };
    assert_eq!(field(23, int(2)), expected);
    let expected = BatchError::RecordCount {
        count: -2,
        last_offset_delta: 1,
    };
    assert_eq!(field(57, int(-2)), expected);
}

#[test]
fn more_records_than_bytes_are_refused() {
    let error = forged(|bytes| {
        bytes[23..27].copy_from_slice(&99_i32.to_be_bytes());
        bytes[57..61].copy_from_slice(&100_i32.to_be_bytes());
    });
    assert!(
        matches!(error, Err(BatchError::RecordCount { count: 100, .. })),
        "{error:?}"
    );
}

#[test]
fn a_batch_without_records_is_refused() {
    let empty: [&str; 0] = [];
    assert!(split_checked(encoded(&empty, Compression::None)).is_err());
}

#[test]
fn an_empty_record_set_has_no_batches() {
    assert!(split_checked(Bytes::new()).unwrap().is_empty());
}

#[test]
fn the_largest_batch_is_taken_and_no_larger_one() {
    let overhead = encoded(&[vec![0; MAX_BATCH_BYTES / 2]], Compression::None).len();
    let fits = MAX_BATCH_BYTES / 2 + (MAX_BATCH_BYTES - overhead);
    let largest = encoded(&[vec![0; fits]], Compression::None);
    assert_eq!(largest.len(), MAX_BATCH_BYTES);
    assert!(split_checked(largest).is_ok());
    let above = encoded(&[vec![0; fits + 1]], Compression::None);
    assert_eq!(
        split_checked(above).unwrap_err(),
        BatchError::TooLarge(MAX_BATCH_BYTES + 1)
    );
}

proptest! {
    #[test]
    fn garbage_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        prop_assert!(split_checked(bytes.into()).is_err());
    }

    #[test]
    fn garbage_behind_a_sound_start_is_refused_without_panic(
        tail in prop::collection::vec(any::<u8>(), 0..100),
        keep in 0..70_usize,
    ) {
        let sound = encoded(&["a"], Compression::None);
        let keep = keep.min(sound.len() - 1);
        let bytes = [&sound[..keep], &tail].concat();
        prop_assume!(bytes != sound && !bytes.is_empty());
        prop_assert!(split_checked(bytes.into()).is_err());
    }

    #[test]
    fn a_record_set_is_split_where_it_was_joined_and_refused_where_it_is_cut(
        sizes in prop::collection::vec((1..4_usize, 0..40_usize, 0..5_usize), 1..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let parts: Vec<Bytes> = sizes
            .iter()
            .map(|&(count, bytes, kind)| encoded(&vec![vec![7; bytes]; count], COMPRESSIONS[kind]))
            .collect();
        let joined = Bytes::from(parts.concat());
        let found = split_checked(joined.clone()).unwrap();
        prop_assert_eq!(found.iter().map(|batch| batch.bytes().clone()).collect::<Vec<_>>(), parts.clone());

        let cut = cut.index(joined.len());
        let ends: Vec<usize> = parts.iter().scan(0, |end, part| { *end += part.len(); Some(*end) }).collect();
        let whole = cut == 0 || ends.contains(&cut);
        prop_assert_eq!(split_checked(joined.slice(..cut)).is_ok(), whole);
    }

    #[test]
    fn a_flipped_bit_under_the_checksum_is_found(bit in any::<prop::sample::Index>(), kind in 0..5_usize) {
        let mut bytes = encoded(&["some value", "another"], COMPRESSIONS[kind]).to_vec();
        let bit = bit.index((bytes.len() - CHECKSUM.start) * 8);
        bytes[CHECKSUM.start + bit / 8] ^= 1 << (bit % 8);
        prop_assert!(split_checked(bytes.into()).is_err());
    }
}
