//! An output topic: records are written in order and awaited; what an earlier runner wrote behind
//! its last checkpoint is read back.

use client::{Cluster, Mode, Producer, Record, Start};
use futures_util::StreamExt;

use crate::error::RunError;
use crate::position::padded;

/// A topic to write to.
pub(crate) struct Outlet {
    cluster: Cluster,
    topic: String,
    producer: Producer,
    /// The end of each partition, as far as this runner wrote or looked.
    ends: Vec<i64>,
}

impl Outlet {
    pub(crate) async fn open(cluster: &Cluster, topic: &str) -> Result<Self, RunError> {
        let mut ends = Vec::new();
        for partition in 0..cluster.partition_count(topic).await? {
            ends.push(cluster.end_offset(topic, partition).await?);
        }
        let producer = cluster.producer(topic).await?;
        Ok(Self {
            cluster: cluster.clone(),
            topic: topic.to_owned(),
            producer,
            ends,
        })
    }

    /// The end of each partition, as far as this runner wrote or looked.
    pub(crate) fn ends(&self) -> &[i64] {
        &self.ends
    }

    /// These offsets of the partitions, in order; those that are not named were empty then.
    pub(crate) fn padded(&self, from: &[i64]) -> Vec<i64> {
        padded(from, self.ends.len())
    }

    /// Hands every record from these offsets on to `take`.
    pub(crate) async fn read_back(
        &self,
        from: &[i64],
        mut take: impl FnMut(Record) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        for (partition, from) in (0..).zip(self.padded(from)) {
            let mut records = self
                .cluster
                .records(&self.topic, partition, Start::Offset(from), Mode::UntilEnd)
                .await?;
            while let Some(record) = records.next().await {
                take(record?)?;
            }
        }
        Ok(())
    }

    /// Writes records in order and waits until the cluster has all of them. Also after an error it
    /// waits until none of them is under way any more: what is read back then is what stands.
    pub(crate) async fn write(
        &mut self,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<u64, RunError> {
        let mut deliveries = Vec::new();
        let mut result = Ok(());
        for (key, value) in records {
            match self.producer.send(key, value).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if !deliveries.is_empty() {
            result = result.and(self.producer.flush().await);
        }
        let written = deliveries.len() as u64;
        for delivery in deliveries {
            match delivery.wait().await {
                Ok((partition, offset)) => {
                    let end = &mut self.ends[partition as usize];
                    *end = (*end).max(offset + 1);
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        result?;
        Ok(written)
    }
}
