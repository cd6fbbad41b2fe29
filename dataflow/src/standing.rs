//! What stands in the output topics behind the last checkpoint: written by a runner that did not
//! live to say so. Whoever takes over must neither write it again nor contradict it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use model::{Timestamp, Window};

/// Derived rows, and decisions that events were late.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    rows: HashMap<Timestamp, HashMap<String, StandingRow>>,
    late: BTreeMap<(usize, i64), Timestamp>,
    /// The offsets behind which the rows stand.
    rows_from: Vec<i64>,
}

/// The last revision of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StandingRow {
    pub(crate) revision: u32,
    pub(crate) value: Vec<u8>,
}

impl Standing {
    /// What stands behind these offsets of the derived topic's partitions: nothing so far.
    pub(crate) fn behind(rows_from: &[i64]) -> Self {
        Self {
            rows_from: rows_from.to_vec(),
            ..Self::default()
        }
    }

    /// The offsets behind which the rows of this window stand, if any do.
    pub(crate) fn from(&self, window_start: Timestamp) -> Option<&[i64]> {
        self.rows
            .contains_key(&window_start)
            .then_some(&self.rows_from)
    }

    /// Notes a row; of several revisions the last one counts.
    pub(crate) fn add_row(&mut self, window_start: Timestamp, key: String, row: StandingRow) {
        let standing = self
            .rows
            .entry(window_start)
            .or_default()
            .entry(key)
            .or_insert_with(|| row.clone());
        if row.revision > standing.revision {
            *standing = row;
        }
    }

    /// Notes that the event at this place was late.
    pub(crate) fn add_late(&mut self, partition: usize, offset: i64, event_time: Timestamp) {
        self.late.insert((partition, offset), event_time);
    }

    pub(crate) fn row(&self, window_start: Timestamp, key: &str) -> Option<&StandingRow> {
        self.rows.get(&window_start)?.get(key)
    }

    /// Whether an event of `window` among these offsets was late.
    pub(crate) fn was_late(&self, partition: usize, offsets: Range<i64>, window: Window) -> bool {
        let places = (partition, offsets.start)..(partition, offsets.end);
        self.late
            .range(places)
            .any(|(_, time)| window.start <= *time && *time < window.end)
    }
}
