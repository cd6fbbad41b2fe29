//! What the runner is doing, for whoever wants to look: a board that every derivation writes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::{Reason, Timestamp};

/// The state of one derivation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DerivationStatus {
    /// Records read from the source topic.
    pub read: u64,
    /// Records that became events.
    pub accepted: u64,
    /// Records that did not, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Accepted events whose window had been closed.
    pub late: u64,
    /// Partials merged.
    pub partials: u64,
    /// Open (window, key) pairs.
    pub open: usize,
    /// Records written to the derived topic.
    pub written: u64,
    /// The watermark.
    pub watermark: Option<Timestamp>,
    /// How often it was started again after an error.
    pub restarts: u64,
    /// Next offset of each source partition.
    pub next_offsets: Vec<i64>,
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
