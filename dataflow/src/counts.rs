//! What became of the records of a source partition.

use std::collections::BTreeMap;

use model::Reason;
use model::partial::BatchHeader;
use serde::{Deserialize, Serialize};

use crate::windows::Merged;

/// What became of the records of a partition. At every moment
/// `read = accepted + rejected + late + duplicate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records read.
    pub read: u64,
    /// Those whose event is in a number.
    pub accepted: u64,
    /// Those that were no events, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Those whose window could be corrected no more.
    pub late: u64,
    /// Those that repeat another.
    pub duplicate: u64,
    /// Records that retention removed before they were read; they are not among those read.
    #[serde(default)]
    pub evicted: u64,
}

impl Counts {
    /// All rejected records.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Adds what became of one batch.
    pub(crate) fn add(
        &mut self,
        Merged {
            header,
            late,
            duplicate,
            ..
        }: &Merged,
    ) {
        let BatchHeader {
            first_offset,
            next_offset,
            accepted,
            rejected,
            ..
        } = header;
        self.read += (next_offset - first_offset) as u64;
        self.late += late;
        // What joins two sessions may bring to light that more events repeat each other than it
        // holds itself: those were accepted before.
        self.accepted += accepted.saturating_sub(*late);
        let duplicate = (*duplicate).min(self.accepted);
        self.accepted -= duplicate;
        self.duplicate += duplicate;
        for (_, reason) in rejected {
            *self.rejected.entry(*reason).or_default() += 1;
        }
    }
}
