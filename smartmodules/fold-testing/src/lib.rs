//! Runs a derivation over records as cluster and runner do, for tests that recompute its result.
//!
//! Records are JSON values, and so are the derived ones. Whatever is not as it should be panics.

use std::collections::BTreeMap;

use dataflow::{Offline, Registration};
use model::fold::SourceRecord;
use model::{Derivation, Params};
use serde_json::Value;

/// What `D` derives from the records of these batches, by window and key: from all in one batch, as
/// they are split, with the batches in reverse, and from one batch with the records in reverse. All
/// four must be the same.
pub fn derived_in_four_splits<D: Derivation>(
    params: &[(&str, &str)],
    batches: &[Vec<Value>],
) -> [Vec<Value>; 4] {
    let whole = batches.concat();
    let reversed = |records: &[_]| records.iter().rev().cloned().collect::<Vec<Value>>();
    let batches_reversed: Vec<_> = batches.iter().rev().cloned().collect();
    [
        derived::<D>(params, std::slice::from_ref(&whole)),
        derived::<D>(params, batches),
        derived::<D>(params, &batches_reversed),
        derived::<D>(params, &[reversed(&whole)]),
    ]
}

/// What `D` derives, by window and key: each batch is folded by itself, and what comes over the wire
/// is merged in the batches' order.
pub fn derived<D: Derivation>(params: &[(&str, &str)], batches: &[Vec<Value>]) -> Vec<Value> {
    let params: Params = params.iter().copied().collect();
    let registration = Registration::of::<D>();
    let offline = registration.offline(&params, 1).expect("parameters");
    let records = batches.concat();
    let mut places = 0..records.len();
    let batch = |batch: &Vec<Value>| places.by_ref().take(batch.len()).collect();
    let split: Vec<_> = batches.iter().map(batch).collect();
    offline_rows(offline, &records, &split)
}

/// What a derivation of any shape derives of these records, each with the number of the batch that it
/// is dealt to, by window and key: from all in one batch, as they are dealt, with the batches in
/// reverse, and from each record by itself, the last one first. All four must be the same.
///
/// The runner's own windows, sessions or state machines make them; a record's offset is its place.
pub fn dealt_in_four_splits(
    registration: Registration,
    params: &[(&str, &str)],
    dealt: &[(Value, usize)],
) -> [Vec<Value>; 4] {
    let records: Vec<Value> = dealt.iter().map(|(record, _)| record.clone()).collect();
    let all: Vec<usize> = (0..dealt.len()).collect();
    let mut batches: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in &all {
        batches.entry(dealt[*place].1).or_default().push(*place);
    }
    let batches: Vec<_> = batches.into_values().collect();
    let reversed = batches.iter().rev().cloned().collect();
    let single = all.iter().rev().map(|place| vec![*place]).collect();
    let params: Params = params.iter().copied().collect();
    [vec![all], batches, reversed, single].map(|split: Vec<Vec<usize>>| {
        let offline = registration.offline(&params, 1).expect("parameters");
        offline_rows(offline, &records, &split)
    })
}

fn offline_rows(mut offline: Offline, records: &[Value], split: &[Vec<usize>]) -> Vec<Value> {
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    for batch in split {
        let record =
            |place: &usize| SourceRecord::new(*place as i64, None, texts[*place].as_bytes());
        offline.batch(0, batch.iter().map(record));
    }
    let rows = offline.finish().expect("JSON");
    let row = |(_, value): &(String, Vec<u8>)| serde_json::from_slice(value).expect("JSON");
    rows.iter().map(row).collect()
}

/// The text at `pointer` (RFC 6901), which must be one.
pub fn text<'v>(record: &'v Value, pointer: &str) -> &'v str {
    let value = record.pointer(pointer).expect("a field");
    value.as_str().expect("a string")
}
