//! The known end offsets of the target topics. Records that are written later have at least these offsets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use client::{ClientError, Cluster, Offset, Partition};

use crate::delivery::PositionsByTopic;
use crate::topics::TargetTopic;

/// The end offset of every partition of every target topic. These offsets only increase, and may be lower
/// than the cluster's. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct TopicEnds(Arc<Mutex<Ends>>);

type Ends = BTreeMap<TargetTopic, Vec<Offset>>;

impl TopicEnds {
    pub(crate) fn new(targets: impl Iterator<Item = TargetTopic>) -> Self {
        let ends = targets.map(|target| (target, Vec::new()));
        Self(Arc::new(Mutex::new(ends.collect())))
    }

    /// Returns the end offsets of a topic's partitions.
    pub(crate) fn of(&self, target: &TargetTopic) -> Vec<Offset> {
        self.lock().get(target).cloned().unwrap_or_default()
    }

    /// Moves the end offsets past these written records.
    pub(crate) fn advance(&self, positions: &PositionsByTopic) {
        let mut ends = self.lock();
        for (target, positions) in positions {
            let ends = ends.entry(target.clone()).or_default();
            for position in positions {
                if let Some(end) = ends.get_mut(position.partition.index()) {
                    *end = (*end).max(position.offset.next());
                }
            }
        }
    }

    /// Requests all end offsets from the cluster.
    pub(crate) async fn refresh(&self, cluster: &Cluster) -> Result<(), ClientError> {
        let targets: Vec<_> = self.lock().keys().cloned().collect();
        for target in &targets {
            for partition in Partition::of(cluster.partition_count(target.topic()).await?) {
                let end = cluster.end_offset(target.topic(), partition).await?;
                self.raise(target, partition, end);
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn raise(&self, target: &TargetTopic, partition: Partition, end: Offset) {
        let mut ends = self.lock();
        let ends = ends.entry(target.clone()).or_default();
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
        let ends = TopicEnds::new(std::iter::once(TargetTopic::Rejected));
        ends.raise(&TargetTopic::Rejected, Partition(1), Offset(5));
        assert_eq!(ends.of(&TargetTopic::Rejected), [0, 5].map(Offset));
        let written = [(0, 3), (1, 2), (1, 9)].map(|(partition, offset)| PartitionOffset {
            partition: Partition(partition),
            offset: Offset(offset),
        });
        ends.advance(&PositionsByTopic::from([(
            TargetTopic::Rejected,
            written.to_vec(),
        )]));
        ends.raise(&TargetTopic::Rejected, Partition(0), Offset(1));
        assert_eq!(ends.of(&TargetTopic::Rejected), [4, 10].map(Offset));
    }
}
