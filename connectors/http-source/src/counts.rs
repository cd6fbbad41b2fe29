//! Counts what a connector does, for its progress line.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that a connector updates while it runs. Share them in an `Arc` to read them meanwhile.
#[derive(Debug, Default)]
pub struct Counts {
    pub(crate) received: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) failures: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Records that were received whole, including rejected ones.
    pub received: u64,
    /// Received records for which the cluster has acknowledged every record made from them.
    pub delivered: u64,
    /// Records that went to `rejected-events`: received ones, or those that transforms made of them.
    pub rejected: u64,
    /// Received records of which the transforms left nothing.
    pub filtered: u64,
    /// Incomplete records, dropped because the connection was cut in the middle of them.
    pub cut: u64,
    /// Requests and connections that failed; each was tried again.
    pub failures: u64,
}

impl Counts {
    /// The counters as they are now.
    #[must_use]
    pub fn now(&self) -> Counted {
        Counted {
            // Read in this order, the counters never show more records delivered than received.
            delivered: self.delivered.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            filtered: self.filtered.load(Relaxed),
            cut: self.cut.load(Relaxed),
            failures: self.failures.load(Relaxed),
            received: self.received.load(Relaxed),
        }
    }

    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }
}
