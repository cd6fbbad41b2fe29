//! A sparse map from offsets to file positions, in memory only.

/// At most one entry each so many bytes: small enough that the bytes read in vain before a batch
/// cost no more than the system call, large enough that the map of 1 GiB stays at 1 MiB
pub(super) const STEP_BYTES: u64 = 16 << 10;

/// Where some of a segment's batches begin, always its first
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
    /// Notes a batch, unless the last entry is near; batches come in the order of the file
    pub(super) fn note(&mut self, base_offset: i64, position: u64) {
        let near = |last: &Entry| position - last.position < STEP_BYTES;
        if !self.entries.last().is_some_and(near) {
            self.entries.push(Entry {
                base_offset,
                position,
            });
        }
    }

    /// A batch's position at or before the batch that holds `offset`, less than [`STEP_BYTES`] away
    pub(super) fn floor(&self, offset: i64) -> u64 {
        let after = self
            .entries
            .partition_point(|entry| entry.base_offset <= offset);
        after
            .checked_sub(1)
            .map_or(0, |last| self.entries[last].position)
    }
}
