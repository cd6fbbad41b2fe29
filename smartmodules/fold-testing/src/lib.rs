//! Runs a derivation over records as the cluster and the runner do, for tests that recompute its result.
//!
//! Source records and derived records are JSON values. The functions panic on anything unexpected.

use std::collections::BTreeMap;

use dataflow::{Offline, Partition, Registration};
use model::fold::SourceRecord;
use model::{Params, Shape};
use serde_json::Value;

/// A source record, and the number of the batch that it belongs to.
pub type BatchedRecord = (Value, usize);

/// Asserts that a derivation gives the same rows as `recomputed`, sorted by window and key, however the records
/// are split: all in one batch, in the given batches, in the given batches in reverse order, and each record in
/// its own batch with the last record first. The offset of a record is its index.
///
/// A derivation with aligned windows does not depend on offsets, so it must also give the same rows if one batch
/// contains all records in reverse order.
pub fn assert_every_split(
    registration: &Registration,
    params: &[(&str, &str)],
    batched: &[BatchedRecord],
    recomputed: impl FnOnce(&[Value]) -> Vec<Value>,
) {
    let records: Vec<Value> = batched.iter().map(|(record, _)| record.clone()).collect();
    let expected = recomputed(&records);
    let [whole, others @ ..] = in_every_split(registration, params, batched);
    assert_eq!(whole, expected, "in one batch");
    for (other, split) in others.iter().zip([
        "in the given batches",
        "in the given batches, in reverse",
        "one by one",
    ]) {
        assert_eq!(*other, whole, "{split}");
    }
    if registration.shape() == Shape::Windows {
        let reversed: Vec<Value> = records.into_iter().rev().collect();
        let found = derived(registration, params, &[reversed]);
        assert_eq!(found, whole, "in one batch, in reverse");
    }
}

/// Returns the rows that a derivation gives for these batches, sorted by window and key. The offset of a record is
/// its index in the concatenated batches.
pub fn derived(
    registration: &Registration,
    params: &[(&str, &str)],
    batches: &[Vec<Value>],
) -> Vec<Value> {
    let records = batches.concat();
    let mut offsets = 0..records.len();
    let batch = |batch: &Vec<Value>| offsets.by_ref().take(batch.len()).collect();
    let split: Vec<_> = batches.iter().map(batch).collect();
    rows(offline(registration, params), &records, &split)
}

/// Returns the rows that a derivation gives for each of the first four splits of [`assert_every_split`].
pub fn in_every_split(
    registration: &Registration,
    params: &[(&str, &str)],
    batched: &[BatchedRecord],
) -> [Vec<Value>; 4] {
    let records: Vec<Value> = batched.iter().map(|(record, _)| record.clone()).collect();
    let all: Vec<usize> = (0..batched.len()).collect();
    let mut batches: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for offset in &all {
        batches.entry(batched[*offset].1).or_default().push(*offset);
    }
    let batches: Vec<_> = batches.into_values().collect();
    let reversed = batches.iter().rev().cloned().collect();
    let single = all.iter().rev().map(|offset| vec![*offset]).collect();
    [vec![all], batches, reversed, single]
        .map(|split: Vec<Vec<usize>>| rows(offline(registration, params), &records, &split))
}

fn offline(registration: &Registration, params: &[(&str, &str)]) -> Offline {
    let params: Params = params.iter().copied().collect();
    registration.offline(&params, 1).expect("parameters")
}

fn rows(mut offline: Offline, records: &[Value], split: &[Vec<usize>]) -> Vec<Value> {
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    for batch in split {
        let record =
            |offset: &usize| SourceRecord::new(*offset as i64, None, texts[*offset].as_bytes());
        offline.batch(Partition(0), batch.iter().map(record));
    }
    let rows = offline.finish().expect("JSON");
    let row = |(_, value): &(String, Vec<u8>)| serde_json::from_slice(value).expect("JSON");
    rows.iter().map(row).collect()
}

/// Returns the text at `pointer` (RFC 6901). Panics if there is none.
pub fn text<'v>(record: &'v Value, pointer: &str) -> &'v str {
    let value = record.pointer(pointer).expect("a field");
    value.as_str().expect("a string")
}
