//! The offsets of all partitions of a topic.

use client::Offset;

/// Extends these offsets, one per partition, to `partitions` offsets. A partition that they do not cover, because
/// it was added to the topic later, gets offset 0.
pub(crate) fn padded(offsets: &[Offset], partitions: usize) -> Vec<Offset> {
    let missing = partitions.saturating_sub(offsets.len());
    let offsets = offsets.iter().copied();
    offsets
        .chain(std::iter::repeat_n(Offset::ZERO, missing))
        .collect()
}
