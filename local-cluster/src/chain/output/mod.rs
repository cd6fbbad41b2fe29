//! Writing a chain's output as batches whose records keep their true offsets.
//!
//! A client numbers the records of a batch from its base offset, one by one. So every run of
//! consecutive offsets becomes one batch, and a batch's *last offset delta*, which clients use only
//! to count how far they have come, reaches up to the next batch. Offsets without records in front
//! become an empty batch. The deltas of a set thus add up to exactly the offsets it covers.

#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes};
use fluvio_compression::Compression;
use fluvio_protocol::record::Record;

use super::records::encode;
use super::run::Processed;
use crate::log::HEADER_BYTES;

/// Position of the bytes that a batch's checksum covers.
const CHECKED_FROM: usize = 21;

/// What "unknown" is for a timestamp.
const NO_TIMESTAMP: i64 = -1;

/// Output batches under construction, covering offsets from `start` without a hole.
#[derive(Debug)]
pub(crate) struct OutputSet {
    start: i64,
    covered_to: i64,
    runs: Vec<Run>,
    bytes: usize,
}

/// Records with consecutive offsets.
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
    /// An empty set whose first offset is `start`.
    pub(crate) fn new(start: i64) -> Self {
        Self {
            start,
            covered_to: start,
            runs: Vec::new(),
            bytes: 0,
        }
    }

    /// The offset after the last that is covered.
    pub(crate) fn covered_to(&self) -> i64 {
        self.covered_to
    }

    /// Bytes of the set if it were encoded now, about.
    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// Adds what a chain made of the batch that follows.
    pub(crate) fn push(&mut self, processed: &Processed) {
        let input = &processed.input;
        let offsets = Offsets::of(processed);
        for (index, record) in processed.records.iter().enumerate() {
            let offset = offsets.at(index, record);
            // a stream that starts within a batch must not count what lies before it
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

    /// Adds another set that begins where this one ends.
    pub(crate) fn append(&mut self, other: OutputSet) {
        self.covered_to = other.covered_to;
        self.bytes += other.bytes;
        self.runs.extend(other.runs);
    }

    /// The encoded batches.
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

/// One batch of all `records` numbered from 0, as a producer would have sent them.
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

/// Where the records of one output belong.
enum Offsets {
    /// They say so themselves: deltas that grow and lie within the input batch.
    Told { base: i64 },
    /// They do not, because the module made new records: they take the batch's last offsets, so
    /// that whoever has read the last of them goes on with the next batch.
    Packed { first: i64 },
    /// More records than the batch had offsets: all take the last one.
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
            Self::Told {
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
            Self::Told { base } => base + record.preamble.offset_delta(),
            Self::Packed { first } => first + index as i64,
            Self::Crowded { last } => *last,
        }
    }
}

/// The last offset delta of a batch that reaches from `base` up to `next`; -1 if it covers nothing.
fn span(base: i64, next: i64) -> i32 {
    i32::try_from(next - base - 1).unwrap_or(i32::MAX)
}

fn put_batch(run: &Run, last_offset_delta: i32, compression: Compression, out: &mut Vec<u8>) {
    let mut records = Vec::with_capacity(size_of::<i32>() + run.records.len());
    records.put_i32(run.count);
    records.extend_from_slice(&run.records);
    // what does not compress travels as it is
    let (compression, records) = match compression.compress(&records) {
        Ok(packed) => (compression, packed),
        Err(_) => (Compression::None, records.into()),
    };
    let start = out.len();
    out.put_i64(run.base_offset);
    out.put_i32((HEADER_BYTES - 12 + records.len()) as i32);
    out.put_i32(-1); // leader epoch: there is only one leader ever
    out.put_i8(2); // the one batch format
    out.put_u32(0); // the checksum, below
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
