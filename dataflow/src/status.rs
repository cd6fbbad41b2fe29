//! What the runner is doing, for whoever wants to look: a board that every derivation writes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::Timestamp;

use crate::checkpoint::Counts;

/// The state of one derivation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DerivationStatus {
    /// What became of the records of each source partition, since the derivation's first start.
    pub partitions: Vec<Counts>,
    /// Partials merged by this process.
    pub partials: u64,
    /// (Window, key) pairs in memory.
    pub open: usize,
    /// Records written to the derived topic by this process.
    pub written: u64,
    /// The watermark.
    pub watermark: Option<Timestamp>,
    /// How often it was started again after an error.
    pub restarts: u64,
}

impl DerivationStatus {
    /// What became of the records of all partitions.
    pub fn counts(&self) -> Counts {
        let mut total = Counts::default();
        for counts in &self.partitions {
            total.read += counts.read;
            total.accepted += counts.accepted;
            total.late += counts.late;
            total.duplicate += counts.duplicate;
            for (reason, count) in &counts.rejected {
                *total.rejected.entry(*reason).or_default() += count;
            }
        }
        total
    }
}

/// The states of all derivations; cheap to clone, all clones are one board.
#[derive(Clone, Debug, Default)]
pub struct StatusBoard(Arc<Mutex<BTreeMap<String, DerivationStatus>>>);

impl StatusBoard {
    /// The states now, by derivation.
    pub fn snapshot(&self) -> BTreeMap<String, DerivationStatus> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn update(&self, derivation: &str, change: impl FnOnce(&mut DerivationStatus)) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(board.entry(derivation.to_owned()).or_default());
    }
}
