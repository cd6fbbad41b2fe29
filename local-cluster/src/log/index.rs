//! A sparse map from offsets to file positions, in memory only.

/// The minimum distance between two entries in bytes. It is small enough that reading from an entry to the wanted
/// batch costs little more than the system call, and large enough that the index of 1 GiB takes only 1 MiB.
pub(super) const STEP_BYTES: u64 = 16 << 10;

/// The positions of some of a segment's batches, including the first.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    base_offset: i64,
    position: u64,
}

impl Index {
    /// Adds a batch, unless the last entry is close to it. Batches must be added in file order.
    pub(super) fn note(&mut self, base_offset: i64, position: u64) {
        let near = |last: &Entry| position - last.position < STEP_BYTES;
        if !self.entries.last().is_some_and(near) {
            self.entries.push(Entry {
                base_offset,
                position,
            });
        }
    }

    /// Returns the position of a batch at or before the one that contains `offset`, less than
    /// [`STEP_BYTES`] before it.
    pub(super) fn floor(&self, offset: i64) -> u64 {
        let after = self
            .entries
            .partition_point(|entry| entry.base_offset <= offset);
        after
            .checked_sub(1)
            .map_or(0, |last| self.entries[last].position)
    }
}
