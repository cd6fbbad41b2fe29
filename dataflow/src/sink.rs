//! The derived topic: rows are written in order and awaited, and those that stand there already
//! are found again after a crash.

use std::collections::HashSet;

use client::{Cluster, Mode, Producer, Start};
use futures_util::StreamExt;
use model::Timestamp;
use serde::Deserialize;

use crate::error::RunError;
use crate::windows::Row;

/// Writes the rows of one derivation.
pub(crate) struct Sink {
    cluster: Cluster,
    topic: String,
    producer: Producer,
    /// Rows behind the last checkpoint that an earlier runner wrote.
    standing: HashSet<Identity>,
}

/// What makes a row the same row.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    key: Vec<u8>,
    window_start: Timestamp,
    revision: u32,
}

#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    revision: u32,
}

impl Sink {
    /// Opens the derived topic; rows behind `ends` (of each partition) are taken as standing.
    pub(crate) async fn open(
        cluster: &Cluster,
        topic: &str,
        ends: Option<&[i64]>,
    ) -> Result<Self, RunError> {
        let producer = cluster.producer(topic).await?;
        let mut sink = Self {
            cluster: cluster.clone(),
            topic: topic.to_owned(),
            producer,
            standing: HashSet::new(),
        };
        for (partition, end) in (0..).zip(ends.unwrap_or_default()) {
            sink.read_back(partition, *end).await?;
        }
        Ok(sink)
    }

    async fn read_back(&mut self, partition: u32, from: i64) -> Result<(), RunError> {
        let mut records = self
            .cluster
            .records(&self.topic, partition, Start::Offset(from), Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            let record = record?;
            let malformed = |cause| RunError::Derived {
                topic: self.topic.clone(),
                cause,
            };
            let Stamp {
                window_start,
                revision,
            } = serde_json::from_slice(&record.value).map_err(malformed)?;
            let key = record.key.map(|key| key.to_vec()).unwrap_or_default();
            self.standing.insert(Identity {
                key,
                window_start,
                revision,
            });
        }
        Ok(())
    }

    /// Writes the rows that do not stand there yet, in order, and waits until the cluster has all.
    pub(crate) async fn write(&mut self, rows: Vec<Row>) -> Result<u64, RunError> {
        let mut deliveries = Vec::with_capacity(rows.len());
        for row in rows {
            let identity = Identity {
                key: row.key.clone().into_bytes(),
                window_start: row.window_start,
                revision: row.revision,
            };
            if !self.standing.remove(&identity) {
                deliveries.push(self.producer.send(row.key, row.value).await?);
            }
        }
        self.producer.flush().await?;
        let written = deliveries.len() as u64;
        for delivery in deliveries {
            delivery.wait().await?;
        }
        Ok(written)
    }

    /// The end of each partition of the derived topic.
    pub(crate) async fn ends(&self) -> Result<Vec<i64>, RunError> {
        let partitions = self.cluster.partition_count(&self.topic).await?;
        let mut ends = Vec::new();
        for partition in 0..partitions {
            ends.push(self.cluster.end_offset(&self.topic, partition).await?);
        }
        Ok(ends)
    }
}
