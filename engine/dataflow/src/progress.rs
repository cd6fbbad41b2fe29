//! The progress of long operations, for display.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the completed work and of all work of one operation. The unit depends on the operation, for example
/// records. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64)>);

impl Progress {
    /// The amount of completed work.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// The amount of all work that is known so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }

    pub(crate) fn add_done(&self, work: u64) {
        self.0.0.fetch_add(work, Ordering::Relaxed);
    }

    pub(crate) fn add_total(&self, work: u64) {
        self.0.1.fetch_add(work, Ordering::Relaxed);
    }
}
