//! What a connector has done so far, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that a connector keeps while it runs; share them to look at them meanwhile.
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
    /// Records that came whole; rejected ones are among them.
    pub received: u64,
    /// Those that the cluster has acknowledged, with all that they have become.
    pub delivered: u64,
    /// Records that went to `rejected-events`: those that came, or what transforms made of them.
    pub rejected: u64,
    /// Received records of which the transforms left nothing.
    pub filtered: u64,
    /// Halves of records, dropped because a connection was cut in the middle of them.
    pub cut: u64,
    /// Requests and connections that failed, each tried again.
    pub failures: u64,
}

impl Counts {
    /// The counters as they are now.
    #[must_use]
    pub fn now(&self) -> Counted {
        Counted {
            // In this order nothing seems delivered that was not received.
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
