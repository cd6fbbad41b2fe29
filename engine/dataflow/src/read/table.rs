//! Reads the topic of a table that a query joins, always up to its current end.

use client::{Cluster, Mode, Offset, OffsetRange, Partition, Record, Start};
use futures_util::StreamExt;
use model::{Rejection, Timestamp};
use sql::{SharedTable, Table, TableVersions};
use tracing::{info, warn};

use crate::error::RunError;

/// The only partition of a table: its changes have one order.
const PARTITION: Partition = Partition(0);

/// A table that a query joins, as far as its topic has been read.
pub struct JoinedTable {
    cluster: Cluster,
    topic: String,
    versions: SharedTable,
    next_offset: Offset,
}

impl JoinedTable {
    /// Reads the whole table. Its content at times before `needed_from` is not kept.
    pub async fn load(
        cluster: &Cluster,
        table: &Table,
        needed_from: Timestamp,
    ) -> Result<Self, RunError> {
        let topic = table.name().to_owned();
        let partitions = cluster.partition_count(&topic).await?;
        if partitions != 1 {
            return Err(RunError::TablePartitions { topic, partitions });
        }
        let mut versions = TableVersions::new(table.clone());
        versions.forget_before(needed_from);
        let mut joined = Self {
            cluster: cluster.clone(),
            topic,
            versions: SharedTable::new(versions),
            next_offset: Offset::ZERO,
        };
        joined.catch_up().await?;
        info!(table = joined.topic, next_offset = %joined.next_offset, "table loaded");
        Ok(joined)
    }

    /// Returns the content, which changes with each [`Self::catch_up`].
    pub fn versions(&self) -> SharedTable {
        self.versions.clone()
    }

    /// Drops the content at times before `time`, which is no longer needed.
    pub fn forget_before(&self, time: Timestamp) {
        self.versions
            .change(|versions| versions.forget_before(time));
    }

    /// Reads the records up to the end that the topic has at this moment.
    pub async fn catch_up(&mut self) -> Result<(), RunError> {
        let OffsetRange { end, .. } = self.cluster.offsets(&self.topic, PARTITION).await?;
        if end < self.next_offset {
            return Err(RunError::TableReplaced(self.topic.clone()));
        }
        if end == self.next_offset {
            return Ok(());
        }
        let start = Start::Offset(self.next_offset);
        let mut records = self
            .cluster
            .records(&self.topic, PARTITION, start, Mode::UntilEnd)
            .await?;
        let mut skipped = Skipped::default();
        while let Some(record) = records.next().await {
            let record = record?;
            let added = self.versions.change(|versions| add(versions, &record));
            skipped.count(added.err(), record.offset);
            self.next_offset = record.offset.next();
        }
        // Retention may have removed the last records.
        self.next_offset = self.next_offset.max(end);
        skipped.log(&self.topic);
        Ok(())
    }
}

fn add(versions: &mut TableVersions, record: &Record) -> Result<(), Rejection> {
    let timestamp = record.timestamp_ms.map(Timestamp::from_millis);
    versions.add(timestamp, record.key.as_deref(), &record.value)
}

/// The records that are not rows of the table.
#[derive(Default)]
struct Skipped {
    count: u64,
    first: Option<(Offset, Rejection)>,
}

impl Skipped {
    fn count(&mut self, rejection: Option<Rejection>, offset: Offset) {
        let Some(rejection) = rejection else {
            return;
        };
        self.count += 1;
        self.first.get_or_insert((offset, rejection));
    }

    fn log(&self, table: &str) {
        if let Some((offset, Rejection { reason, subject })) = &self.first {
            let skipped = self.count;
            warn!(table, skipped, first = %offset, %reason, %subject, "skipping records that do not fit the table");
        }
    }
}
