//! Ranges of offsets whose records all belong to one request.

use client::{Offset, OffsetRange, Partition, PartitionOffset};

use crate::delivery::PositionsByTopic;
use crate::topics::TargetTopic;

/// The records at these offsets of one partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordRange {
    target: TargetTopic,
    partition: Partition,
    offsets: OffsetRange,
}

impl RecordRange {
    pub(crate) fn new(target: TargetTopic, partition: Partition, offsets: OffsetRange) -> Self {
        Self {
            target,
            partition,
            offsets,
        }
    }

    /// Returns the fewest ranges that together contain exactly these positions. The records of a request are mostly
    /// adjacent, so there are usually few ranges.
    pub(crate) fn all(positions: &PositionsByTopic) -> Vec<Self> {
        let mut ranges: Vec<Self> = Vec::new();
        for (target, positions) in positions {
            let mut positions = positions.clone();
            positions.sort_unstable();
            for PartitionOffset { partition, offset } in positions {
                let end = offset.next();
                match ranges.last_mut() {
                    Some(last)
                        if (&last.target, last.partition, last.offsets.end)
                            == (target, partition, offset) =>
                    {
                        last.offsets.end = end;
                    }
                    _ => {
                        let offsets = OffsetRange { start: offset, end };
                        ranges.push(Self::new(target.clone(), partition, offsets));
                    }
                }
            }
        }
        ranges
    }

    pub(crate) fn contains(&self, target: &TargetTopic, position: PartitionOffset) -> bool {
        (&self.target, self.partition) == (target, position.partition)
            && self.offsets.contains(position.offset)
    }

    /// Returns topic, partition, first offset, and the offset after the last one: the form used in the journal.
    pub(crate) fn to_tuple(&self) -> (String, Partition, Offset, Offset) {
        let topic = self.target.topic().to_owned();
        (topic, self.partition, self.offsets.start, self.offsets.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position((partition, offset): (u32, i64)) -> PartitionOffset {
        PartitionOffset {
            partition: Partition(partition),
            offset: Offset(offset),
        }
    }

    fn range(partition: u32, start: i64, end: i64) -> RecordRange {
        let (start, end) = (Offset(start), Offset(end));
        let offsets = OffsetRange { start, end };
        RecordRange::new(TargetTopic::Rejected, Partition(partition), offsets)
    }

    #[test]
    fn adjacent_offsets_become_one_range() {
        let positions = PositionsByTopic::from([(
            TargetTopic::Rejected,
            [(1, 7), (0, 3), (1, 6), (0, 5), (0, 4)]
                .map(position)
                .to_vec(),
        )]);
        let ranges = RecordRange::all(&positions);
        let expected = [range(0, 3, 6), range(1, 6, 8)];
        assert_eq!(ranges, expected);
        for position in positions[&TargetTopic::Rejected].iter().copied() {
            let containing = ranges
                .iter()
                .filter(|range| range.contains(&TargetTopic::Rejected, position));
            assert_eq!(containing.count(), 1);
        }
        assert!(!ranges[0].contains(&TargetTopic::Rejected, position((0, 6))));
    }
}
