//! A derivation without a cluster: batches of records in, derived records out. For tests, and for
//! whoever wants to know what a derivation would say.

use model::fold::SourceRecord;
use model::partial::BatchHeader;
use model::{ParamError, Params, Timestamp};

use crate::registration::Registration;
use crate::windows::{AnyWindows, Arrived, Bounds};

/// A derivation over records that are all there already. Nothing is late, unless
/// [`advance`](Offline::advance) says that time has passed.
pub struct Offline {
    fold: Box<dyn AnyFold>,
    windows: Box<dyn AnyWindows>,
    late: u64,
}

/// A fold of a derivation that the caller does not know.
pub(crate) trait AnyFold: Send {
    /// Appends the partial of one batch to `output`.
    fn batch(&mut self, records: &mut dyn Iterator<Item = SourceRecord<'_>>, output: &mut Vec<u8>);
}

impl<D: model::Derivation> AnyFold for model::Fold<D> {
    fn batch(&mut self, records: &mut dyn Iterator<Item = SourceRecord<'_>>, output: &mut Vec<u8>) {
        model::Fold::batch(self, records, output);
    }
}

/// A derived record, by its key.
pub type DerivedRecord = (String, Vec<u8>);

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
        };
        Ok(Self {
            fold: registration.fold(params)?,
            windows: registration.windows(params, bounds)?,
            late: 0,
        })
    }

    /// Goes by other parameters from the first record on, as a runner that takes up new rules: what
    /// the SmartModule does stays as it was.
    pub(crate) fn adopt(&mut self, params: &Params) -> Result<(), ParamError> {
        self.windows.adopt(params, &[])
    }

    /// The event time of a record; `None` where it is no event.
    pub(crate) fn time(&self, record: &[u8]) -> Option<Timestamp> {
        self.windows.place(record).ok().map(|(time, _)| time)
    }

    /// How many events came too late, or found no room.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Takes in one batch of a partition; what became of its records.
    pub fn batch<'r>(
        &mut self,
        partition: usize,
        mut records: impl Iterator<Item = SourceRecord<'r>>,
    ) -> BatchHeader {
        let mut partial = Vec::new();
        self.fold.batch(&mut records, &mut partial);
        let arrived = Arrived {
            partition,
            replayed_to: 0,
        };
        match self.windows.merge(arrived, &partial) {
            Ok(merged) => {
                self.late += merged.late;
                merged.header
            }
            Err(error) => unreachable!("a fold writes what its derivation reads: {error}"),
        }
    }

    /// The derived records that are due by `watermark`, and have not come before; what they were
    /// made of is forgotten. Events before it are late from now on.
    pub fn advance(
        &mut self,
        watermark: Timestamp,
    ) -> Result<Vec<DerivedRecord>, serde_json::Error> {
        let rows = self.windows.emit(watermark, true, &[])?;
        self.windows.retire(watermark);
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// Every derived record that has not come before, by window and key.
    pub fn finish(mut self) -> Result<Vec<DerivedRecord>, serde_json::Error> {
        self.advance(Timestamp::MAX)
    }
}
