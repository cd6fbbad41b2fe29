//! Writes a chain's output as batches in which each record keeps the offset that it has in the log.
//!
//! A client numbers the records of a batch one by one, from the batch's base offset. So each run of records with
//! consecutive offsets becomes a batch of its own. Clients use a batch's *last offset delta* only to count their
//! progress, so it is set to cover all offsets up to the next batch. If the first offsets of an output set have no
//! records, an empty batch covers them. Together, the batches of a set cover all of its offsets.

#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes};
use fluvio_compression::Compression;
use fluvio_protocol::record::Record;

use super::records::encode;
use super::run::Processed;
use crate::log::HEADER_BYTES;

/// The position of the first byte that a batch's checksum covers.
const CHECKED_FROM: usize = 21;

const NO_TIMESTAMP: i64 = -1;

/// Output batches under construction. They cover all offsets from `start` to `covered_to`.
#[derive(Debug)]
pub(crate) struct OutputSet {
    start: i64,
    covered_to: i64,
    runs: Vec<Run>,
    bytes: usize,
}

/// A run of records with consecutive offsets.
#[derive(Debug)]
struct Run {
    base_offset: i64,
    next_offset: i64,
    first_timestamp: i64,
    max_timestamp: i64,
    count: i32,
    records: Vec<u8>,
}

impl OutputSet {
    /// Creates an empty set whose first offset is `start`.
    pub(crate) fn new(start: i64) -> Self {
        Self {
            start,
            covered_to: start,
            runs: Vec::new(),
            bytes: 0,
        }
    }

    /// Returns the offset after the last one that the set covers.
    pub(crate) fn covered_to(&self) -> i64 {
        self.covered_to
    }

    /// Returns the approximate size of the encoded set in bytes.
    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a chain's output for the next input batch.
    pub(crate) fn push(&mut self, processed: &Processed) {
        let input = &processed.input;
        let offsets = Offsets::of(processed);
        for (index, record) in processed.records.iter().enumerate() {
            let offset = offsets.at(index, record);
            // A stream that starts within a batch must not get the records before its own start: its client would
            // count them.
            if offset >= self.start {
                let timestamp = match input.first_timestamp {
                    first if first < 0 => NO_TIMESTAMP,
                    first => first.saturating_add(record.preamble.get_timestamp_delta()),
                };
                self.add(offset, timestamp, record);
            }
        }
        self.covered_to = self.covered_to.max(input.next_offset());
    }

    /// Appends another set, which must begin where this one ends.
    pub(crate) fn append(&mut self, other: OutputSet) {
        self.covered_to = other.covered_to;
        self.bytes += other.bytes;
        self.runs.extend(other.runs);
    }

    pub(crate) fn encode(self) -> Bytes {
        let mut out = Vec::with_capacity(self.bytes + 2 * HEADER_BYTES);
        let first = self
            .runs
            .first()
            .map_or(self.covered_to, |run| run.base_offset);
        if first > self.start {
            put_batch(
                &Run::empty(self.start),
                span(self.start, first),
                Compression::None,
                &mut out,
            );
        }
        for (index, run) in self.runs.iter().enumerate() {
            let next = self
                .runs
                .get(index + 1)
                .map_or(self.covered_to, |next| next.base_offset);
            put_batch(
                run,
                span(run.base_offset, next),
                Compression::None,
                &mut out,
            );
        }
        out.into()
    }

    fn add(&mut self, offset: i64, timestamp: i64, record: &Record) {
        let fits =
            |run: &Run| run.next_offset == offset && (run.first_timestamp < 0) == (timestamp < 0);
        if !self.runs.last().is_some_and(fits) {
            self.runs.push(Run {
                first_timestamp: timestamp,
                ..Run::empty(offset)
            });
            self.bytes += HEADER_BYTES + size_of::<i32>();
        }
        if let Some(run) = self.runs.last_mut() {
            self.bytes += run.add(timestamp, record);
        }
    }
}

impl Run {
    fn empty(base_offset: i64) -> Self {
        Self {
            base_offset,
            next_offset: base_offset,
            first_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            count: 0,
            records: Vec::new(),
        }
    }

    fn add(&mut self, timestamp: i64, record: &Record) -> usize {
        let before = self.records.len();
        let offset_delta = self.next_offset - self.base_offset;
        encode(
            record,
            offset_delta,
            timestamp.saturating_sub(self.first_timestamp),
            &mut self.records,
        );
        self.count += 1;
        self.next_offset += 1;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.records.len() - before
    }
}

/// Builds one batch from the output of all `processed` batches, numbered from 0 as a producer would send
/// it. Returns `None` if they have no output.
pub(crate) fn batch_of(processed: &[Processed], compression: Compression) -> Option<Bytes> {
    let first_timestamp = processed.first()?.input.first_timestamp;
    let mut run = Run {
        first_timestamp,
        ..Run::empty(0)
    };
    for part in processed {
        for record in &part.records {
            let delta = record.preamble.get_timestamp_delta();
            run.add(part.input.first_timestamp.saturating_add(delta), record);
        }
    }
    let last_offset_delta = run.count - 1;
    let mut out = Vec::new();
    put_batch(&run, last_offset_delta, compression, &mut out);
    (run.count > 0).then(|| out.into())
}

/// How the output records for one input batch get their offsets.
enum Offsets {
    /// Each record has the offset that its own delta gives it. The deltas increase and lie within the input
    /// batch.
    OwnDeltas { base: i64 },
    /// The module created the records, so they have no usable deltas. They get the last offsets of the input
    /// batch, so that a consumer that has read all of them continues with the next batch.
    Packed { first: i64 },
    /// There are more created records than the input batch has offsets. All of them get its last offset.
    Crowded { last: i64 },
}

impl Offsets {
    fn of(processed: &Processed) -> Self {
        let (input, records) = (&processed.input, &processed.records);
        let deltas = || records.iter().map(|record| record.preamble.offset_delta());
        let within = deltas().all(|delta| (0..input.record_count()).contains(&delta));
        let growing = deltas().zip(deltas().skip(1)).all(|(one, next)| one < next);
        let count = records.len() as i64;
        if within && growing {
            Self::OwnDeltas {
                base: input.base_offset,
            }
        } else if count <= input.record_count() {
            Self::Packed {
                first: input.next_offset() - count,
            }
        } else {
            Self::Crowded {
                last: input.next_offset() - 1,
            }
        }
    }

    fn at(&self, index: usize, record: &Record) -> i64 {
        match self {
            Self::OwnDeltas { base } => base + record.preamble.offset_delta(),
            Self::Packed { first } => first + index as i64,
            Self::Crowded { last } => *last,
        }
    }
}

/// Returns the last offset delta of a batch that covers `base..next`; -1 if that range is empty.
fn span(base: i64, next: i64) -> i32 {
    i32::try_from(next - base - 1).unwrap_or(i32::MAX)
}

fn put_batch(run: &Run, last_offset_delta: i32, compression: Compression, out: &mut Vec<u8>) {
    let mut records = Vec::with_capacity(size_of::<i32>() + run.records.len());
    records.put_i32(run.count);
    records.extend_from_slice(&run.records);
    // Output that cannot be compressed is sent uncompressed.
    let (compression, records) = match compression.compress(&records) {
        Ok(packed) => (compression, packed),
        Err(_) => (Compression::None, records.into()),
    };
    let start = out.len();
    out.put_i64(run.base_offset);
    out.put_i32((HEADER_BYTES - 12 + records.len()) as i32);
    out.put_i32(-1); // leader epoch: a single node never changes its leader
    out.put_i8(2); // magic: the only batch format
    out.put_u32(0); // checksum: filled in below
    out.put_i16(compression as i16);
    out.put_i32(last_offset_delta);
    out.put_i64(run.first_timestamp);
    out.put_i64(run.max_timestamp);
    out.put_i64(-1); // producer id, epoch and sequence: Fluvio has no idempotent producers
    out.put_i16(-1);
    out.put_i32(-1);
    out.extend_from_slice(&records);
    let checksum = crc32c::crc32c(&out[start + CHECKED_FROM..]);
    out[start + 17..start + CHECKED_FROM].copy_from_slice(&checksum.to_be_bytes());
}
