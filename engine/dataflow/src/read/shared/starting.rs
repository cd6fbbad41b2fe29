//! The derivations of a source that are about to read it.

use tokio::sync::watch;

/// A derivation that is counted as starting until it has subscribed to every partition of its source. It is not
/// counted while another runner holds its lease.
pub(crate) struct Starting {
    count: watch::Sender<usize>,
    is_counted: bool,
}

impl Starting {
    pub(super) fn new(count: watch::Sender<usize>) -> Self {
        let mut starting = Self {
            count,
            is_counted: false,
        };
        starting.resume();
        starting
    }

    /// Stops counting the derivation, because another runner holds its lease.
    pub(crate) fn suspend(&mut self) {
        if std::mem::take(&mut self.is_counted) {
            self.count.send_modify(|count| *count -= 1);
        }
    }

    /// Counts the derivation again.
    pub(crate) fn resume(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            self.count.send_modify(|count| *count += 1);
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.suspend();
    }
}
