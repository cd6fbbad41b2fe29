//! The status board. Every derivation updates it, and the metrics and the live status show its contents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use client::Partition;
use model::Timestamp;

use crate::sink::counts::Counts;
use crate::sink::latency::Latency;

/// The status of one derivation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DerivationStatus {
    /// The record counts of each source partition since the derivation's first start.
    pub partitions: Vec<Counts>,
    /// The number of partials that this process has merged.
    pub partials: u64,
    /// The number of entries in memory, as limited by [`crate::DerivationSpec::entries_max`].
    pub open: usize,
    /// The number of records that this process has written to the derived topic.
    pub written: u64,
    /// The watermark.
    pub watermark: Option<Timestamp>,
    /// The number of restarts after errors.
    pub restarts: u64,
    /// Whether the derivation has read its checkpoint and is running. False while it waits to be restarted.
    pub at_work: bool,
    /// Whether another runner is running the derivation, and this one waits for it to stop.
    pub standby: bool,
    /// The last error; cleared once the cluster has answered again.
    pub last_error: Option<String>,
    /// Source partitions that cannot be read now, with the reason.
    pub unread: BTreeMap<Partition, String>,
    /// The one source partition that is read while memory is short; `None` if all are read.
    pub only: Option<Partition>,
    /// The number of unread records of each partition, as of the last check.
    pub lag: Vec<u64>,
    /// The time at which this process wrote its last checkpoint.
    pub saved_at: Option<SystemTime>,
    /// The time at which the runner merged the first of the partials that are in no checkpoint yet.
    pub unsaved_since: Option<SystemTime>,
    /// The time from the end of a window until its rows are in the derived topic.
    pub latency: Latency,
}

impl DerivationStatus {
    /// Notes that another runner is running the derivation.
    pub(crate) fn wait_as_standby(&mut self) {
        self.standby = true;
        self.last_error = None;
    }

    /// Notes that every partition is about to be read from the checkpoint on.
    pub(crate) fn started(&mut self) {
        (self.at_work, self.standby) = (true, false);
        self.unread.clear();
        self.only = None;
        self.unsaved_since = None;
    }

    /// Notes that the derivation failed and waits to be restarted.
    pub(crate) fn failed(&mut self, error: String) {
        self.restarts += 1;
        (self.at_work, self.standby) = (false, false);
        self.last_error = Some(error);
    }

    pub(crate) fn merged(&mut self) {
        self.partials += 1;
        self.unsaved_since.get_or_insert_with(SystemTime::now);
    }

    /// Measures the latency of first revisions that have just been acknowledged, given the ends of their windows.
    pub(crate) fn acknowledged(&mut self, window_ends: &[Timestamp]) {
        let now = SystemTime::now();
        for end in window_ends {
            self.latency.acknowledged(*end, now);
        }
    }

    /// Updates the counts, unless the new ones are smaller: after an error, the records since the last checkpoint are
    /// counted again, and decreasing counts would look like a restart of the process.
    pub(crate) fn counted<'a>(&mut self, counts: impl ExactSizeIterator<Item = &'a Counts>) {
        self.partitions.resize_with(counts.len(), Counts::default);
        for (shown, now) in self.partitions.iter_mut().zip(counts) {
            if now.read >= shown.read {
                shown.clone_from(now);
            }
        }
    }

    pub(crate) fn saved(&mut self) {
        self.saved_at = Some(SystemTime::now());
        self.unsaved_since = None;
    }

    /// The record counts of all partitions together.
    pub fn counts(&self) -> Counts {
        let mut total = Counts::default();
        for counts in &self.partitions {
            total.read += counts.read;
            total.accepted += counts.accepted;
            total.late += counts.late;
            total.duplicate += counts.duplicate;
            total.evicted += counts.evicted;
            total.ahead += counts.ahead;
            for (reason, count) in &counts.rejected {
                *total.rejected.entry(*reason).or_default() += count;
            }
        }
        total
    }
}

/// The statuses of all derivations. Clones are cheap and share one board.
#[derive(Clone, Debug, Default)]
pub struct StatusBoard(Arc<Mutex<BTreeMap<String, DerivationStatus>>>);

impl StatusBoard {
    /// A copy of the current statuses, by derivation.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(read: u64) -> Counts {
        Counts {
            read,
            accepted: read,
            ..Counts::default()
        }
    }

    #[test]
    fn counts_never_go_back_after_an_error() {
        let mut status = DerivationStatus::default();
        status.counted([read(10), read(20)].iter());
        status.counted([read(4), read(25)].iter());
        assert_eq!(status.partitions, [read(10), read(25)]);
        status.counted([read(11), read(25), read(1)].iter());
        assert_eq!(status.partitions, [read(11), read(25), read(1)]);
    }

    #[test]
    fn records_are_unsaved_from_the_first_merge_to_the_checkpoint() {
        let mut status = DerivationStatus::default();
        status.merged();
        let first = status.unsaved_since;
        assert!(first.is_some());
        status.merged();
        assert_eq!((status.unsaved_since, status.partials), (first, 2));
        status.saved();
        assert_eq!(status.unsaved_since, None);
        assert!(status.saved_at.is_some());
    }

    #[test]
    fn a_standby_has_got_over_its_error_and_gives_way_to_work_or_to_the_next_error() {
        let mut status = DerivationStatus::default();
        status.failed("lost".to_owned());
        status.wait_as_standby();
        assert_eq!((status.standby, status.last_error.as_deref()), (true, None));
        status.started();
        assert!(status.at_work && !status.standby);
        status.wait_as_standby();
        status.failed("lost again".to_owned());
        assert!(!status.at_work && !status.standby);
    }

    #[test]
    fn an_error_takes_it_from_work_and_a_start_forgets_unread_partitions() {
        let mut status = DerivationStatus::default();
        status.started();
        status.unread.insert(Partition(1), "gone".to_owned());
        status.failed("lost".to_owned());
        assert_eq!((status.at_work, status.restarts), (false, 1));
        status.started();
        assert!(status.at_work && status.unread.is_empty());
        assert_eq!(
            status.last_error.as_deref(),
            Some("lost"),
            "until the cluster has answered"
        );
    }
}
