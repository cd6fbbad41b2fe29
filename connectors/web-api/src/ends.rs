//! How far each topic is known to reach: what is written from now on stands at these offsets or behind.

use std::sync::{Arc, Mutex, PoisonError};

use client::{ClientError, Cluster};

use crate::delivery::Places;
use crate::source::Target;

/// Ends of every partition of every target. They only grow, and may lag behind the truth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends(Arc<Mutex<[Vec<i64>; Target::ALL.len()]>>);

impl Ends {
    /// The ends of a topic's partitions.
    pub(crate) fn of(&self, target: Target) -> Vec<i64> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends[target.index()].clone()
    }

    /// Learns from what has been written.
    pub(crate) fn note(&self, places: &Places) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (target, places) in places {
            let ends = &mut ends[target.index()];
            for (partition, offset) in places {
                if let Some(end) = ends.get_mut(*partition as usize) {
                    *end = (*end).max(offset + 1);
                }
            }
        }
    }

    /// Asks the cluster for all of them.
    pub(crate) async fn ask(&self, cluster: &Cluster) -> Result<(), ClientError> {
        for target in Target::ALL {
            for partition in 0..cluster.partition_count(target.topic()).await? {
                let end = cluster.end_offset(target.topic(), partition).await?;
                self.raise(target, partition as usize, end);
            }
        }
        Ok(())
    }

    fn raise(&self, target: Target, partition: usize, end: i64) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = &mut ends[target.index()];
        if ends.len() <= partition {
            ends.resize(partition + 1, 0);
        }
        ends[partition] = ends[partition].max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_only_grow() {
        let ends = Ends::default();
        ends.raise(Target::Rejected, 1, 5);
        assert_eq!(ends.of(Target::Rejected), [0, 5]);
        ends.note(&Places::from([(
            Target::Rejected,
            vec![(0, 3), (1, 2), (1, 9)],
        )]));
        ends.raise(Target::Rejected, 0, 1);
        assert_eq!(ends.of(Target::Rejected), [4, 10]);
    }
}
