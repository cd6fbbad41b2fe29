//! The fold, a map-side combiner: it turns one batch of records into one partial. A result never depends on
//! an earlier batch.
//!
//! A record is parsed once, however many derivations fold it: [`SourceFolds`] parses a chunk of the records, has
//! every fold add them, and continues with the next chunk.

mod group;
mod lifted;
mod parsed;
mod partials;
mod request;

pub use group::{FoldGroup, Folds, ParsedFold, SourceFolds, parsed_fold};
pub use parsed::Parsed;
pub use partials::split;
pub use request::{DERIVATIONS, FoldRequest, RequestError, parameters, requested};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::derivation::Lift;
use crate::params::{ParamError, Params};
use crate::source::Source;
use crate::time::Timestamp;
use lifted::Lifted;
use parsed::{by_chunks, parse};

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
    source: L::Source,
    lifted: Lifted<L>,
}

impl<L: Lift> Fold<L> {
    /// Creates a fold with the parameters from `dataflow.yaml`.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            lifted: Lifted::from_params(params)?,
            source: L::Source::from_params(params)?,
        })
    }

    /// Folds one batch and appends the encoded [`BatchPartial`](crate::BatchPartial) to `output`.
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        output: &mut Vec<u8>,
    ) {
        let Self { source, lifted } = self;
        let covered = by_chunks(records, |first_offset, chunk| {
            lifted.add(first_offset, &parse(source, chunk));
        });
        self.lifted.finish(&covered, output);
    }
}
