//! The fold, a map-side combiner: it turns one batch of records into one partial. A result never depends on
//! an earlier batch.
//!
//! A record is parsed once, however many derivations fold it: [`SourceFolds`] parses a chunk of the records, has
//! every fold add them, and continues with the next chunk.

mod parsed;
mod partials;
mod request;
mod source;

pub use parsed::Parsed;
pub use partials::split;
pub use request::{DERIVATIONS, FoldRequest, RequestError, parameters, requested};
pub use source::{ParsedFold, PlayerEvents, PurchaseEvents, ServerMetrics, Source, SourceFolds};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ahead::FAR_AHEAD_MS;
use crate::derivation::Lift;
use crate::event::{Event, Layouts};
use crate::grouping::{Grouping, Groups};
use crate::params::{ParamError, Params};
use crate::partial::BatchHeader;
use crate::reject::Reason;
use crate::time::Timestamp;
use parsed::{Covered, parse_all};

/// The default limit on how far an event's time may be ahead of its record's ingest time.
pub const MAX_SKEW_MS: i64 = 5 * 60 * 1_000;

/// The parameter that overrides [`MAX_SKEW_MS`].
const MAX_SKEW: &str = "max_skew_ms";

/// A source record as input of the fold.
#[derive(Clone, Copy, Debug)]
pub struct SourceRecord<'r> {
    /// The record's offset in its partition.
    pub offset: i64,
    /// The record's timestamp, which Fluvio's producers set; `None` if it has none.
    pub ingest_time: Option<Timestamp>,
    /// The record's value.
    pub value: &'r [u8],
}

impl<'r> SourceRecord<'r> {
    /// Creates a record from its ingest time in milliseconds since the Unix epoch.
    pub fn new(offset: i64, ingest_ms: Option<i64>, value: &'r [u8]) -> Self {
        let ingest_time = ingest_ms.map(Timestamp::from_millis);
        Self {
            offset,
            ingest_time,
            value,
        }
    }

    /// Returns how far `time` is ahead of the ingest time; 0 if the record has no ingest time.
    #[inline]
    fn ahead_ms(&self, time: Timestamp) -> i64 {
        // The subtraction saturates, because a producer can write any ingest time.
        let ahead = |ingest: Timestamp| time.as_millis().saturating_sub(ingest.as_millis());
        self.ingest_time.map_or(0, ahead)
    }

    /// Returns a hash that distinguishes this record from another one at the same offset.
    pub fn fingerprint(&self) -> u64 {
        let ingest_ms = self.ingest_time.map_or(0, Timestamp::as_millis);
        xxh3_64_with_seed(self.value, ingest_ms as u64)
    }
}

/// Folds batches for one derivation.
pub struct Fold<L: Lift> {
    derivation: L,
    max_skew_ms: i64,
    layouts: Layouts,
    /// The header of the batch that is being folded.
    header: BatchHeader,
    /// The contributions of the batch that is being folded.
    groups: <L::Grouping as Grouping>::Groups<L::Partial>,
}

impl<L: Lift> Fold<L> {
    /// Creates a fold with the parameters from `dataflow.yaml`.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        let known = [L::Grouping::PARAMETERS, &[MAX_SKEW], L::PARAMETERS].concat();
        params.refuse_unknown(&known)?;
        let grouping = L::Grouping::from_params(params)?;
        Ok(Self {
            derivation: L::from_params(params)?,
            max_skew_ms: params.positive_ms(MAX_SKEW, Some(MAX_SKEW_MS))?,
            layouts: Layouts::default(),
            header: BatchHeader::empty(0),
            groups: grouping.groups(),
        })
    }

    /// Folds one batch and appends the encoded [`BatchPartial`](crate::BatchPartial) to `output`.
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        output: &mut Vec<u8>,
    ) {
        let mut layouts = std::mem::take(&mut self.layouts);
        let covered = parse_all(records, &mut layouts, |first_offset, parsed| {
            self.add(first_offset, parsed);
        });
        self.layouts = layouts;
        self.finish(&covered, output);
    }

    /// Adds the next records of the batch that begins at `first_offset`.
    fn add<'r>(&mut self, first_offset: i64, parsed: &[Parsed<'r, L::Event<'r>>]) {
        let Self { header, groups, .. } = self;
        header.first_offset = first_offset;
        for Parsed { record, event } in parsed {
            match event {
                Ok(event) if record.ahead_ms(event.time()) <= self.max_skew_ms => {
                    let mut emitter = groups.emitter(event.time(), record.offset);
                    self.derivation.lift(event, &mut emitter);
                    accept(header, record, event);
                }
                Ok(_) => reject(header, record, Reason::FutureTimestamp),
                Err(rejection) => reject(header, record, rejection.reason),
            }
        }
    }

    /// Appends to `output` the partial of the records that were added since the last call.
    fn finish(&mut self, covered: &Covered, output: &mut Vec<u8>) {
        let header = BatchHeader {
            first_offset: covered.first_offset,
            next_offset: covered.next_offset,
            last_record: covered.last_record,
            ..std::mem::replace(&mut self.header, BatchHeader::empty(0))
        };
        self.groups.encode(&header, output);
    }
}

fn reject(header: &mut BatchHeader, record: &SourceRecord<'_>, reason: Reason) {
    let delta = record.offset - header.first_offset;
    header.rejected.push((delta as u32, reason));
}

#[inline]
fn accept<'e>(header: &mut BatchHeader, record: &SourceRecord<'_>, event: &impl Event<'e>) {
    let time = event.time();
    header.accepted += 1;
    let earliest = header.min_event_time.map_or(time, |least| least.min(time));
    header.min_event_time = Some(earliest);
    let stream_time = record.ingest_time.map_or(time, |ingest| ingest.min(time));
    header.stream_time = header.stream_time.max(Some(stream_time));
    let ahead_ms = record.ahead_ms(time);
    if ahead_ms > FAR_AHEAD_MS {
        header.ahead.add(event.sender(), ahead_ms);
    }
}
