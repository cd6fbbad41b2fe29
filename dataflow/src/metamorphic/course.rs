//! What a runner has merged and when, as plain maps: windows that hop may be forgotten before an
//! event of theirs comes that later windows still take in.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;

/// A source partition and an offset there.
pub(super) type Place = (usize, i64);

/// What one runner has merged, with what it took over.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    /// Windows that ended by this time were forgotten when the record was merged.
    merged: BTreeMap<Place, Option<i64>>,
    forgotten_to: Option<i64>,
}

impl Course {
    /// A batch was merged.
    pub(super) fn merged(&mut self, partition: usize, offsets: std::ops::Range<i64>) {
        let places = offsets.map(|offset| ((partition, offset), self.forgotten_to));
        self.merged.extend(places);
    }

    /// Windows that ended the allowed lateness before the watermark are forgotten.
    pub(super) fn retire(&mut self, watermark: Option<Timestamp>, allowed_lateness_ms: i64) {
        let forgotten_to = watermark.map(|watermark| watermark.as_millis() - allowed_lateness_ms);
        self.forgotten_to = self.forgotten_to.max(forgotten_to);
    }

    pub(super) fn is_forgotten(&self, window_end: i64) -> bool {
        self.forgotten_to.is_some_and(|to| window_end <= to)
    }

    /// The records that came before a window that ends then was forgotten.
    pub(super) fn in_time_for(&self, window_end: i64) -> BTreeSet<Place> {
        let in_time = |to: &Option<i64>| to.is_none_or(|to| window_end > to);
        let merged = self.merged.iter().filter(|(_, to)| in_time(to));
        merged.map(|(place, _)| *place).collect()
    }
}
