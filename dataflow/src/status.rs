//! What the runner is doing, for whoever wants to look: a board that every derivation writes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use model::Timestamp;

use crate::counts::Counts;
use crate::latency::Latency;

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
    /// Whether it has read its checkpoint and is at work; not while it waits to be started again.
    pub at_work: bool,
    /// Whether it waits for another runner, which is at work on it, to stop.
    pub standby: bool,
    /// The last error, until the cluster has answered since.
    pub trouble: Option<String>,
    /// Source partitions that cannot be read now, and why.
    pub unread: BTreeMap<u32, String>,
    /// The one source partition that is read, if memory is short.
    pub only: Option<usize>,
    /// Records of each partition that waited to be read when it was last asked.
    pub lag: Vec<u64>,
    /// When this process last made a checkpoint.
    pub saved_at: Option<SystemTime>,
    /// When the first partial was merged that is in no checkpoint yet.
    pub unsaved_since: Option<SystemTime>,
    /// How long after their windows' ends rows stood in the derived topic.
    pub latency: Latency,
}

impl DerivationStatus {
    /// Another runner is at work on it, the cluster says.
    pub(crate) fn stands_by(&mut self) {
        self.standby = true;
        self.trouble = None;
    }

    /// Every partition is about to be read from the checkpoint on.
    pub(crate) fn started(&mut self) {
        (self.at_work, self.standby) = (true, false);
        self.unread.clear();
        self.only = None;
        self.unsaved_since = None;
    }

    /// It ended with an error and waits to be started again.
    pub(crate) fn failed(&mut self, error: String) {
        self.restarts += 1;
        (self.at_work, self.standby) = (false, false);
        self.trouble = Some(error);
    }

    pub(crate) fn merged(&mut self) {
        self.partials += 1;
        self.unsaved_since.get_or_insert_with(SystemTime::now);
    }

    /// The first rows of windows with these ends have been acknowledged just now.
    pub(crate) fn acknowledged(&mut self, window_ends: &[Timestamp]) {
        let now = SystemTime::now();
        for end in window_ends {
            self.latency.acknowledged(*end, now);
        }
    }

    /// Takes over the counts, unless they are behind: what came after the last checkpoint is counted
    /// again after an error, and counts that went back would look like a restart of the process.
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

    /// What became of the records of all partitions.
    pub fn counts(&self) -> Counts {
        let mut total = Counts::default();
        for counts in &self.partitions {
            total.read += counts.read;
            total.accepted += counts.accepted;
            total.late += counts.late;
            total.duplicate += counts.duplicate;
            total.evicted += counts.evicted;
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
        status.stands_by();
        assert_eq!((status.standby, status.trouble.as_deref()), (true, None));
        status.started();
        assert!(status.at_work && !status.standby);
        status.stands_by();
        status.failed("lost again".to_owned());
        assert!(!status.at_work && !status.standby);
    }

    #[test]
    fn an_error_takes_it_from_work_and_a_start_forgets_unread_partitions() {
        let mut status = DerivationStatus::default();
        status.started();
        status.unread.insert(1, "gone".to_owned());
        status.failed("lost".to_owned());
        assert_eq!((status.at_work, status.restarts), (false, 1));
        status.started();
        assert!(status.at_work && status.unread.is_empty());
        assert_eq!(
            status.trouble.as_deref(),
            Some("lost"),
            "until the cluster has answered"
        );
    }
}
