//! Snapshots: everything that a derivation has in memory, stored in a topic, so that a restart does not have to
//! read all records of its open windows again. A checkpoint refers to the snapshot that it builds on. A snapshot to
//! which no checkpoint refers is never read.

use client::{Cluster, Mode, Offset, Partition, Start};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};
use tracing::warn;

use crate::error::RunError;
use crate::lease::Lease;
use crate::sink::topic_writer::TopicWriter;
use crate::topics::SNAPSHOTS;

/// The version of the format of snapshots.
const FORMAT: u32 = 2;
/// The maximum number of snapshot bytes per record, well below the cluster's limit for a record.
const PART_BYTES_MAX: usize = 512 * 1024;
/// A snapshot is due when a restart would read this many records again, which takes a second or less.
const RECORDS_MAX: i64 = 100_000;
/// A snapshot is also due when the last one is this old and a restart would read any record again. Otherwise
/// retention could remove records that a restart needs.
const AGE_MAX: Duration = Duration::from_secs(60);
/// The highest average rate at which a derivation writes snapshots, in bytes per second.
const BYTES_PER_SECOND: u64 = 4 * 1024 * 1024;
/// The minimum time between two snapshots, however small they are.
const PAUSE_MIN: Duration = Duration::from_secs(5);

/// The location of a snapshot, and the offsets up to which it contains records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRef {
    /// Unique among all snapshots.
    id: String,
    /// The offset of the snapshot's first part.
    offset: Offset,
    parts: usize,
    /// The [`FORMAT`] of the snapshot's bytes; 0 if an early version of the runner made it.
    #[serde(default)]
    format: u32,
    /// For each source partition, the offset before which all records are in the snapshot.
    pub(crate) next_offsets: Vec<Offset>,
}

impl SnapshotRef {
    /// Returns the offset before which the snapshot contains all records of a partition.
    pub(crate) fn next_offset(&self, partition: Partition) -> Offset {
        let next_offset = self.next_offsets.get(partition.index());
        next_offset.copied().unwrap_or(Offset::ZERO)
    }

    /// Loads the snapshot's bytes; `None` if the topic no longer contains them, or if another version of the runner
    /// made them, with another format.
    pub(crate) async fn load(&self, cluster: &Cluster) -> Result<Option<Vec<u8>>, RunError> {
        if self.format != FORMAT {
            return Ok(None);
        }
        if cluster.start_offset(SNAPSHOTS, Partition(0)).await? > self.offset {
            return Ok(None);
        }
        let mut records = cluster
            .records(
                SNAPSHOTS,
                Partition(0),
                Start::Offset(self.offset),
                Mode::UntilEnd,
            )
            .await?;
        let (mut bytes, mut part) = (Vec::new(), 0);
        while part < self.parts {
            let Some(record) = records.next().await.transpose()? else {
                warn!(id = self.id, part, "a snapshot ends too early");
                return Ok(None);
            };
            if record.key.as_deref() == Some(self.key(part).as_bytes()) {
                bytes.extend_from_slice(&record.value);
                part += 1;
            }
        }
        Ok(Some(bytes))
    }

    fn key(&self, part: usize) -> String {
        format!("{}|{part}", self.id)
    }
}

/// Writes the snapshots of one derivation, and decides when the next one is due.
pub(crate) struct Snapshots {
    writer: TopicWriter,
    /// The part of a snapshot's ID that is the same for all snapshots of this start of the derivation.
    prefix: String,
    /// The number of snapshots made since this start.
    made: u64,
    last: Option<SnapshotRef>,
    /// The time of the last snapshot that was made since this start; if there is none, the time of this start.
    at: Instant,
    /// The size in bytes of the last snapshot that was made since this start.
    bytes: u64,
}

impl Snapshots {
    /// Continues after the snapshot `last`. `runner` is the ID of the runner, which becomes part of the IDs of its
    /// snapshots.
    pub(crate) async fn open(
        lease: &Lease,
        runner: &str,
        last: Option<SnapshotRef>,
    ) -> Result<Self, RunError> {
        Ok(Self {
            writer: TopicWriter::leased(lease, SNAPSHOTS).await?,
            prefix: format!("{}|{runner}|{:x}", lease.derivation(), started_ns()),
            made: 0,
            last,
            at: Instant::now(),
            bytes: 0,
        })
    }

    /// The last snapshot, whether this start of the derivation made it or an earlier one.
    pub(crate) fn last(&self) -> Option<&SnapshotRef> {
        self.last.as_ref()
    }

    /// Returns the offset from which a restart would read a partition: `rewind_offset`, or the end of the last
    /// snapshot if that is later.
    pub(crate) fn start_offset(&self, partition: Partition, rewind_offset: Offset) -> Offset {
        let last = self.last.as_ref();
        last.map_or(rewind_offset, |last| {
            rewind_offset.max(last.next_offset(partition))
        })
    }

    /// Whether a snapshot should be made, given that a restart would now read `records` records again.
    pub(crate) fn is_due(&self, records: i64) -> bool {
        let earned = Duration::from_secs(self.bytes / BYTES_PER_SECOND).max(PAUSE_MIN);
        let elapsed = self.at.elapsed();
        elapsed >= earned && (records >= RECORDS_MAX || (records > 0 && elapsed >= AGE_MAX))
    }

    /// Writes a snapshot, which contains the records before `next_offsets`.
    pub(crate) async fn make(
        &mut self,
        bytes: &[u8],
        next_offsets: Vec<Offset>,
    ) -> Result<(), RunError> {
        self.made += 1;
        let mut snapshot = SnapshotRef {
            id: format!("{}|{}", self.prefix, self.made),
            offset: Offset::ZERO,
            parts: bytes.len().div_ceil(PART_BYTES_MAX),
            format: FORMAT,
            next_offsets,
        };
        let mut parts = bytes.chunks(PART_BYTES_MAX).enumerate();
        let record = |(part, bytes): (usize, &[u8])| (snapshot.key(part), bytes.to_vec());
        let first = parts.next().map(record);
        let rest: Vec<_> = parts.map(record).collect();
        self.writer.write(first).await?;
        snapshot.offset = self.writer.ends()[0] - 1;
        self.writer.write(rest).await?;
        (self.at, self.bytes) = (Instant::now(), bytes.len() as u64);
        self.last = Some(snapshot);
        Ok(())
    }
}

/// Returns the current time in nanoseconds. It distinguishes the starts of a derivation within one process.
fn started_ns() -> u128 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_nanos()
}
