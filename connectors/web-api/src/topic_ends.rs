//! The known end offsets of the target topics. Records that are written later have at least these offsets.

use std::sync::{Arc, Mutex, PoisonError};

use client::{ClientError, Cluster, Offset, Partition};

use crate::delivery::PositionsByTopic;
use crate::topics::TargetTopic;

/// The end offset of every partition of every target topic. These offsets only increase, and may be lower
/// than the cluster's. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicEnds(Arc<Mutex<[Vec<Offset>; TargetTopic::ALL.len()]>>);

impl TopicEnds {
    /// Returns the end offsets of a topic's partitions.
    pub(crate) fn of(&self, target: TargetTopic) -> Vec<Offset> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends[target.index()].clone()
    }

    /// Moves the end offsets past these written records.
    pub(crate) fn advance(&self, positions: &PositionsByTopic) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (target, positions) in positions {
            let ends = &mut ends[target.index()];
            for position in positions {
                if let Some(end) = ends.get_mut(position.partition.index()) {
                    *end = (*end).max(position.offset.next());
                }
            }
        }
    }

    /// Requests all end offsets from the cluster.
    pub(crate) async fn refresh(&self, cluster: &Cluster) -> Result<(), ClientError> {
        for target in TargetTopic::ALL {
            for partition in Partition::of(cluster.partition_count(target.topic()).await?) {
                let end = cluster.end_offset(target.topic(), partition).await?;
                self.raise(target, partition, end);
            }
        }
        Ok(())
    }

    fn raise(&self, target: TargetTopic, partition: Partition, end: Offset) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = &mut ends[target.index()];
        let index = partition.index();
        if ends.len() <= index {
            ends.resize(index + 1, Offset::ZERO);
        }
        ends[index] = ends[index].max(end);
    }
}

#[cfg(test)]
mod tests {
    use client::PartitionOffset;

    use super::*;

    #[test]
    fn ends_only_grow() {
        let ends = TopicEnds::default();
        ends.raise(TargetTopic::Rejected, Partition(1), Offset(5));
        assert_eq!(ends.of(TargetTopic::Rejected), [0, 5].map(Offset));
        let written = [(0, 3), (1, 2), (1, 9)].map(|(partition, offset)| PartitionOffset {
            partition: Partition(partition),
            offset: Offset(offset),
        });
        ends.advance(&PositionsByTopic::from([(
            TargetTopic::Rejected,
            written.to_vec(),
        )]));
        ends.raise(TargetTopic::Rejected, Partition(0), Offset(1));
        assert_eq!(ends.of(TargetTopic::Rejected), [4, 10].map(Offset));
    }
}
