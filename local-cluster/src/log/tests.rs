//! Tests the log with batches from Fluvio's own encoder, and compares it with a list in memory.

#![allow(clippy::unwrap_used)]

mod batches;
mod concurrency;
mod disk_full;
mod killed;
mod oracle;
mod reading;
mod recovery;
mod retention;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use fluvio_compression::Compression;
use fluvio_protocol::Encoder;
use fluvio_protocol::record::{Batch, RawRecords, Record};

use super::batch::MAX_BATCH_BYTES;
use super::*;

const COMPRESSIONS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn config(segment_bytes: u64) -> LogConfig {
    LogConfig {
        segment_bytes,
        max_bytes: u64::MAX,
        retention: Duration::from_secs(3600),
    }
}

/// Encodes a batch as Fluvio's producer does.
fn encoded<V: AsRef<[u8]>>(values: &[V], compression: Compression) -> Bytes {
    let records: Vec<Record> = values
        .iter()
        .map(|value| Record::new(value.as_ref().to_vec()))
        .collect();
    let mut batch = Batch::from(records);
    batch.header.set_compression(compression);
    batch.header.first_timestamp = 1_700_000_000_000;
    batch.header.max_time_stamp = 1_700_000_000_001;
    let batch = Batch::<RawRecords>::try_from(batch).unwrap();
    let mut bytes = Vec::new();
    batch.encode(&mut bytes, 0).unwrap();
    bytes.into()
}

fn checked<V: AsRef<[u8]>>(values: &[V], compression: Compression) -> CheckedBatch {
    let mut batches = split_checked(encoded(values, compression)).unwrap();
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

fn plain(values: &[&str]) -> CheckedBatch {
    checked(values, Compression::None)
}

/// Returns the bytes that a batch should have in the log.
fn placed(batch: &CheckedBatch, base_offset: i64) -> Vec<u8> {
    [&base_offset.to_be_bytes()[..], &batch.bytes()[8..]].concat()
}

fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Reads all bytes of the log, one read after another.
fn read_all(log: &PartitionLog, max_bytes: usize) -> Vec<u8> {
    let (mut bytes, mut offset) = (Vec::new(), log.start_offset());
    loop {
        let slice = log.read(offset, max_bytes).unwrap();
        if slice.bytes.is_empty() {
            assert_eq!(slice.next_offset, log.end_offset());
            return bytes;
        }
        assert!(slice.next_offset > offset, "a read must get on");
        bytes.extend_from_slice(&slice.bytes);
        offset = slice.next_offset;
    }
}
