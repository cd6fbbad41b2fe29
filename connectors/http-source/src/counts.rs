//! Counts what a connector does, for its progress line.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that a connector updates while it runs. Share them in an `Arc` to read them from another task.
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
    /// Received records that are delivered: the cluster has acknowledged every record that was made from them.
    pub delivered: u64,
    /// Records sent to `rejected-events`: received records, or records that transforms made from them.
    pub rejected: u64,
    /// Received records that the transforms dropped.
    pub filtered: u64,
    /// Incomplete records that were dropped because the connection was cut while they arrived.
    pub cut: u64,
    /// Failed requests and connections. Each one is retried.
    pub failures: u64,
}

impl Counts {
    /// Returns the current counters.
    #[must_use]
    pub fn now(&self) -> Counted {
        Counted {
            // `received` is read last, so that the counters do not show more records delivered than received.
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
