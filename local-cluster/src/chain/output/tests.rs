//! Decodes output batches with the published decoder.

#![allow(clippy::unwrap_used)]

use fluvio_protocol::Decoder;
use fluvio_protocol::record::{RawRecords, RecordSet};
use proptest::prelude::*;

use super::*;
use crate::log::BatchHeader;

fn input(base_offset: i64, count: i32) -> BatchHeader {
    BatchHeader {
        base_offset,
        total_bytes: 0,
        checksum: 0,
        compression: Compression::None,
        last_offset_delta: count - 1,
        first_timestamp: 1_000,
        max_timestamp: 1_000,
    }
}

/// Returns a record whose value is the offset at which a client must read it.
fn record(offset: i64, delta: i64) -> Record {
    let mut record = Record::new(offset.to_string());
    record.preamble.set_offset_delta(delta);
    record.preamble.set_timestamp_delta(offset);
    record
}

/// Decodes a set as a client does. Returns the offset, text and time of each record, and the number of records
/// that the client counts.
fn seen(bytes: Bytes) -> (Vec<(i64, String, i64)>, usize) {
    let mut wire = (bytes.len() as i32).to_be_bytes().to_vec();
    wire.extend_from_slice(&bytes);
    let set = RecordSet::<RawRecords>::decode_from(&mut wire.as_slice(), 25).unwrap();
    let counted = set.batches.iter().map(|batch| batch.records_len()).sum();
    let mut records = Vec::new();
    for raw in set.batches {
        let batch = fluvio_protocol::record::Batch::try_from(raw).unwrap();
        for record in batch.into_consumer_records_iter(0) {
            records.push((
                record.offset,
                record.get_value().to_string(),
                record.timestamp(),
            ));
        }
    }
    (records, counted)
}

proptest! {
    /// For any filter and any batches, each record that passes is read at its own offset, and the client
    /// counts the whole range.
    #[test]
    fn what_passes_keeps_its_offset_and_everything_is_counted(
        batches in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 1..30), 1..10),
        skip in 0i64..20,
    ) {
        let total: i64 = batches.iter().map(|batch| batch.len() as i64).sum();
        let start = skip.min(batches[0].len() as i64 - 1);
        let mut output = OutputSet::new(start);
        let (mut base, mut wanted) = (0, Vec::new());
        for batch in &batches {
            let passing = (0i64..).zip(batch).filter(|(_, passes)| **passes).map(|(delta, _)| delta);
            let records: Vec<_> = passing.map(|delta| record(base + delta, delta)).collect();
            wanted.extend(records.iter().map(|record| base + record.preamble.offset_delta()));
            output.push(&Processed { input: input(base, batch.len() as i32), records, error: None });
            base += batch.len() as i64;
        }
        wanted.retain(|offset| *offset >= start);
        prop_assert_eq!(output.covered_to(), total);
        let (records, counted) = seen(output.encode());
        prop_assert_eq!(counted as i64, total - start);
        let expected: Vec<_> =
            wanted.into_iter().map(|offset| (offset, offset.to_string(), 1_000 + offset)).collect();
        prop_assert_eq!(records, expected);
    }
}

#[test]
fn consecutive_records_of_many_batches_travel_in_one() {
    let mut output = OutputSet::new(0);
    for base in 0..50 {
        output.push(&Processed {
            input: input(base, 1),
            records: vec![record(base, 0)],
            error: None,
        });
    }
    let bytes = output.encode();
    assert_eq!(crate::log::CheckedBatches::new(bytes.clone()).count(), 1);
    assert_eq!(seen(bytes).0.len(), 50);
}

#[test]
fn new_records_take_the_last_offsets_of_their_batch() {
    let made = |count| Processed {
        input: input(10, 5),
        records: (0..count).map(|_| record(7, 0)).collect(),
        error: None,
    };
    for (count, wanted) in [
        (2, vec![13, 14]),
        (5, vec![10, 11, 12, 13, 14]),
        (7, vec![14; 7]),
    ] {
        let mut output = OutputSet::new(10);
        output.push(&made(count));
        let (records, counted) = seen(output.encode());
        assert_eq!(
            records
                .iter()
                .map(|(offset, ..)| *offset)
                .collect::<Vec<_>>(),
            wanted
        );
        assert_eq!(counted, 5);
    }
}
