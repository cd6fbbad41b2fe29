//! The offsets of all partitions of a topic.

use client::Offset;

/// Returns the given offsets, one per partition, extended with 0 for partitions that they do not cover, such as
/// those that were added since they were recorded.
pub(crate) fn padded(offsets: &[Offset], partitions: usize) -> Vec<Offset> {
    let missing = partitions.saturating_sub(offsets.len());
    let offsets = offsets.iter().copied();
    offsets
        .chain(std::iter::repeat_n(Offset::ZERO, missing))
        .collect()
}
