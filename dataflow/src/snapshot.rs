//! Snapshots: all that a derivation has in memory, kept in a topic, so that a restart need not read
//! everything again that windows hold. A checkpoint names the snapshot that it goes on from; one that
//! no checkpoint names is never looked at.

use client::{Cluster, Mode, Start};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant};
use tracing::warn;

use crate::error::RunError;
use crate::outlet::Outlet;
use crate::topics::SNAPSHOTS;

/// The bytes of a snapshot in one record: well below what a cluster takes in one.
const PART_BYTES_MAX: usize = 512 * 1024;
/// A restart reads at most about so many records again: a second or less of work …
const RECORDS_MAX: i64 = 100_000;
/// … and nothing that is older than this, so that retention takes nothing that is still needed.
const AGE_MAX: Duration = Duration::from_secs(60);
/// The bytes a second that snapshots of a derivation may cost on average.
const BYTES_PER_SECOND: u64 = 4 * 1024 * 1024;
/// Snapshots follow each other no faster than this, however small they are.
const PAUSE_MIN: Duration = Duration::from_secs(5);

/// Where a snapshot stands and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRef {
    /// Told apart from all others by this.
    id: String,
    /// The offset of its first part.
    offset: i64,
    parts: usize,
    /// Per source partition, the records before this offset are in it.
    pub(crate) next_offsets: Vec<i64>,
}

impl SnapshotRef {
    /// The records before this offset of a partition are in it.
    pub(crate) fn next_offset(&self, partition: usize) -> i64 {
        self.next_offsets.get(partition).copied().unwrap_or(0)
    }

    /// Its bytes; `None` where the topic does not hold them any more.
    pub(crate) async fn load(&self, cluster: &Cluster) -> Result<Option<Vec<u8>>, RunError> {
        if cluster.start_offset(SNAPSHOTS, 0).await? > self.offset {
            return Ok(None);
        }
        let mut records = cluster
            .records(SNAPSHOTS, 0, Start::Offset(self.offset), Mode::UntilEnd)
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

/// The snapshots of one derivation.
pub(crate) struct Snapshots {
    outlet: Outlet,
    prefix: String,
    made: u64,
    last: Option<SnapshotRef>,
    at: Instant,
    bytes: u64,
}

impl Snapshots {
    /// Goes on from `last`. No two runners may be called the same.
    pub(crate) async fn open(
        cluster: &Cluster,
        derivation: &str,
        runner: &str,
        last: Option<SnapshotRef>,
    ) -> Result<Self, RunError> {
        Ok(Self {
            outlet: Outlet::open(cluster, SNAPSHOTS).await?,
            prefix: format!("{derivation}|{runner}|{:x}", started_ns()),
            made: 0,
            last,
            at: Instant::now(),
            bytes: 0,
        })
    }

    /// The last one that was made.
    pub(crate) fn last(&self) -> Option<&SnapshotRef> {
        self.last.as_ref()
    }

    /// Where a restart would begin to read a partition, if what is in memory needs it from
    /// `rewind_offset` on.
    pub(crate) fn start_offset(&self, partition: usize, rewind_offset: i64) -> i64 {
        let last = self.last.as_ref();
        last.map_or(rewind_offset, |last| {
            rewind_offset.max(last.next_offset(partition))
        })
    }

    /// Whether one should be made now that a restart would read this many records again.
    pub(crate) fn is_due(&self, records: i64) -> bool {
        let earned = Duration::from_secs(self.bytes / BYTES_PER_SECOND).max(PAUSE_MIN);
        let elapsed = self.at.elapsed();
        elapsed >= earned && (records >= RECORDS_MAX || (records > 0 && elapsed >= AGE_MAX))
    }

    /// Writes one that holds the records before these offsets.
    pub(crate) async fn make(
        &mut self,
        bytes: &[u8],
        next_offsets: Vec<i64>,
    ) -> Result<(), RunError> {
        self.made += 1;
        let mut snapshot = SnapshotRef {
            id: format!("{}|{}", self.prefix, self.made),
            offset: 0,
            parts: bytes.len().div_ceil(PART_BYTES_MAX),
            next_offsets,
        };
        let mut parts = bytes.chunks(PART_BYTES_MAX).enumerate();
        let record = |(part, bytes): (usize, &[u8])| (snapshot.key(part), bytes.to_vec());
        let first = parts.next().map(record);
        let rest: Vec<_> = parts.map(record).collect();
        self.outlet.write(first).await?;
        snapshot.offset = self.outlet.ends()[0] - 1;
        self.outlet.write(rest).await?;
        (self.at, self.bytes) = (Instant::now(), bytes.len() as u64);
        self.last = Some(snapshot);
        Ok(())
    }
}

/// Tells apart the starts of a derivation within one process.
fn started_ns() -> u128 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_nanos()
}
