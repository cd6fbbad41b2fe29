//! Counts of the records of a source partition, by outcome.

use std::collections::BTreeMap;

use model::Reason;
use model::partial::BatchHeader;
use serde::{Deserialize, Serialize};

/// The number of records of a partition, by outcome. The equation `read = accepted + rejected + late +
/// duplicate` always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All records that were read.
    pub read: u64,
    /// Records that are neither rejected nor late nor duplicates.
    pub accepted: u64,
    /// Records that are not valid events, by reason.
    pub rejected: BTreeMap<Reason, u64>,
    /// Records whose window could no longer be corrected, or which did not fit into memory.
    pub late: u64,
    /// Events that duplicate another event of their pane or session.
    pub duplicate: u64,
    /// Records that retention removed before they were read. They are not included in `read`.
    #[serde(default)]
    pub evicted: u64,
    /// Valid events whose time was far ahead of their ingest time. They are also included in the other counts.
    #[serde(default)]
    pub ahead: u64,
}

impl Counts {
    /// The number of all rejected records.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Adds the counts of one batch. `late` and `duplicate` are the numbers of late and of duplicate events among
    /// those that the SmartModule counted as accepted.
    pub(crate) fn add(&mut self, header: &BatchHeader, late: u64, duplicate: u64) {
        let BatchHeader {
            first_offset,
            next_offset,
            accepted,
            rejected,
            ahead,
            ..
        } = header;
        self.ahead += ahead.events;
        self.read += (next_offset - first_offset) as u64;
        self.late += late;
        // A batch that joins two sessions may reveal more duplicates than it has events, because it also reveals
        // duplicates among the events of earlier batches, which were counted as accepted.
        self.accepted += accepted.saturating_sub(late);
        let duplicate = duplicate.min(self.accepted);
        self.accepted -= duplicate;
        self.duplicate += duplicate;
        for (_, reason) in rejected {
            *self.rejected.entry(*reason).or_default() += 1;
        }
    }
}
