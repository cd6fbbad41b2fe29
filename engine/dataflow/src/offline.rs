//! A derivation without a cluster: takes batches of records and returns derived records, for tests and
//! backtests.

use client::{Offset, Partition};
use model::fold::SourceRecord;
use model::partial::BatchHeader;
use model::{ParamError, Params, Timestamp};

use crate::pipeline::{Arrived, Pipeline};
use crate::spec::fold::AnyFold;
use crate::spec::locate::Locate;
use crate::spec::registration::Registration;
use crate::windows::{Bounds, Due};

/// A derivation that runs in memory. An event is late only if [`advance`](Offline::advance) has moved the watermark
/// past its window or, in a keyed process, past the event itself.
pub struct Offline {
    fold: Box<dyn AnyFold>,
    locate: Box<dyn Locate>,
    pipeline: Pipeline,
    late: u64,
}

/// The key and value of a derived record.
pub type DerivedRecord = (String, Vec<u8>);

impl Registration {
    /// Creates an offline run of the derivation over records of `partitions` partitions.
    pub fn offline(&self, params: &Params, partitions: usize) -> Result<Offline, ParamError> {
        self.offline_within(params, partitions, usize::MAX)
    }

    /// Like [`Self::offline`], but limits the number of entries in memory.
    pub fn offline_within(
        &self,
        params: &Params,
        partitions: usize,
        entries_max: usize,
    ) -> Result<Offline, ParamError> {
        Offline::new(self, params, partitions, entries_max)
    }
}

impl Offline {
    pub(crate) fn new(
        registration: &Registration,
        params: &Params,
        partitions: usize,
        entries_max: usize,
    ) -> Result<Self, ParamError> {
        let bounds = Bounds {
            partitions,
            allowed_lateness_ms: 0,
            entries_max,
            early: false,
        };
        Ok(Self {
            fold: registration.fold(params)?,
            locate: registration.locate(params)?,
            pipeline: Pipeline::new(registration.make_windows(params, bounds)?),
            late: 0,
        })
    }

    /// Adopts other parameters as a runner adopts new rules, but for all records from the first one on. As in a
    /// runner, the SmartModule's fold keeps the parameters with which it was created.
    pub(crate) fn adopt(&mut self, params: &Params) -> Result<(), ParamError> {
        self.pipeline.adopt(params, &[])
    }

    /// The event time of a record; `None` if the record is not a valid event.
    pub(crate) fn time(&self, record: &[u8]) -> Option<Timestamp> {
        self.locate.locate(record).ok().map(|event| event.time)
    }

    /// The number of events that were late or did not fit into memory.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Merges one batch of a partition. Returns the header of its partial, which lists the rejected records.
    pub fn batch<'r>(
        &mut self,
        partition: Partition,
        mut records: impl Iterator<Item = SourceRecord<'r>>,
    ) -> BatchHeader {
        let mut partial = Vec::new();
        self.fold.batch(&mut records, &mut partial);
        let arrived = Arrived {
            partition,
            replayed_to: Offset::ZERO,
        };
        match self.pipeline.merge(arrived, &partial) {
            Ok(merged) => {
                self.late += merged.late;
                merged.header
            }
            Err(error) => {
                unreachable!("a partial written by this derivation's own fold must merge: {error}")
            }
        }
    }

    /// Returns the derived records that are due at `watermark` and have not been returned before. Forgets the
    /// windows that the watermark has passed: later events of these windows are late. The records of windows and
    /// sessions are ordered by their start and key, the others by their span and key.
    pub fn advance(
        &mut self,
        watermark: Timestamp,
    ) -> Result<Vec<DerivedRecord>, serde_json::Error> {
        let mut rows = self.pipeline.emit(watermark, Due::CORRECTIONS, &[])?;
        if self.pipeline.corrects() {
            rows.sort_by(|a, b| (a.window.start, &a.key).cmp(&(b.window.start, &b.key)));
        }
        self.pipeline.retire(watermark);
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// Returns every derived record that has not been returned before, in the order of [`Self::advance`].
    pub fn finish(mut self) -> Result<Vec<DerivedRecord>, serde_json::Error> {
        self.advance(Timestamp::MAX)
    }
}
