//! Reads the records of a batch, a chunk at a time.

use super::SourceRecord;
use crate::reject::Rejection;
use crate::source::Source;

/// The number of records that are parsed at a time; they are folded before the next ones are parsed. The events of one
/// chunk fit into a processor's cache, and a larger batch needs no more memory.
const CHUNK: usize = 64;

/// A record and the event in it.
pub struct Parsed<'r, E> {
    /// The record.
    pub record: SourceRecord<'r>,
    /// The event, or why the record is rejected.
    pub event: Result<E, Rejection>,
}

/// Identifies the records that a batch covers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Covered {
    pub(super) first_offset: i64,
    pub(super) next_offset: i64,
    /// The fingerprint of the last record; 0 without records.
    pub(super) last_record: u64,
}

/// Passes `records` to `add` in order, chunk by chunk. Each call of `add` also receives the offset of the batch's first
/// record.
pub(super) fn by_chunks<'r>(
    mut records: impl Iterator<Item = SourceRecord<'r>>,
    mut add: impl FnMut(i64, &[SourceRecord<'r>]),
) -> Covered {
    let mut chunk: Vec<SourceRecord<'r>> = Vec::with_capacity(CHUNK);
    let (mut first_offset, mut last) = (None, None);
    loop {
        chunk.clear();
        chunk.extend(records.by_ref().take(CHUNK));
        let [first, ..] = chunk.as_slice() else {
            break;
        };
        let first_offset = *first_offset.get_or_insert(first.offset);
        last = chunk.last().copied();
        add(first_offset, &chunk);
    }
    Covered {
        first_offset: first_offset.unwrap_or_default(),
        next_offset: last.map_or(0, |record: SourceRecord<'_>| record.offset + 1),
        last_record: last.map_or(0, |record| record.fingerprint()),
    }
}

/// Parses the records of a chunk.
pub(super) fn parse<'r, S: Source>(
    source: &mut S,
    chunk: &[SourceRecord<'r>],
) -> Vec<Parsed<'r, S::Event<'r>>> {
    let parsed = chunk.iter().map(|record| Parsed {
        record: *record,
        event: source.parse(record.value),
    });
    parsed.collect()
}
