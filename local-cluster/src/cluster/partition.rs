//! A partition: its log, and whether its topic was deleted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use fluvio_controlplane_metadata::topic::TopicSpec;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::limits::{PARTITION_BYTES_MAX, SEGMENT_BYTES};
use crate::log::{CheckedBatch, LogConfig, LogError, LogSlice, PartitionLog};

/// Why an operation on a partition failed.
#[derive(Debug, Error)]
pub(crate) enum PartitionError {
    /// The topic was deleted during the operation.
    #[error("the topic was deleted")]
    Deleted,
    /// The log refused the operation or failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The blocking task was lost: the node stops, or the task panicked.
    #[error("the node is stopping")]
    Stopping,
}

/// An open partition, shared by its readers and writers.
pub(crate) struct Partition {
    topic: String,
    index: u32,
    log: PartitionLog,
    deleted: CancellationToken,
    changed: AtomicI64,
    published_end: AtomicI64,
    synced_end: AtomicI64,
}

impl Partition {
    /// Opens the log in `dir`, or creates it. Blocks the thread.
    pub(crate) fn open(
        dir: &Path,
        topic: &str,
        index: u32,
        spec: &TopicSpec,
    ) -> Result<Self, LogError> {
        let log = PartitionLog::open(dir, log_config(spec))?;
        let end = log.end_offset();
        Ok(Self {
            topic: topic.to_owned(),
            index,
            log,
            deleted: CancellationToken::new(),
            changed: AtomicI64::new(0),
            published_end: AtomicI64::new(end),
            // The scan at open cannot tell whether the bytes that it finds were synced, so the first sync is never
            // skipped.
            synced_end: AtomicI64::new(-1),
        })
    }

    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Returns the partition's name as clients use it: topic, hyphen, index.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.topic, self.index)
    }

    /// Appends all batches or none, and returns the base offset of each.
    pub(crate) async fn append(
        self: Arc<Self>,
        batches: Vec<CheckedBatch>,
    ) -> Result<Vec<i64>, PartitionError> {
        blocking(move || match self.log.append(&batches) {
            Err(_) if self.deleted.is_cancelled() => Err(PartitionError::Deleted),
            appended => Ok(appended?),
        })
        .await
    }

    /// Reads whole batches, starting with the one that contains `offset`; see [`PartitionLog::read`].
    pub(crate) async fn read(
        self: Arc<Self>,
        offset: i64,
        max_bytes: usize,
    ) -> Result<LogSlice, PartitionError> {
        blocking(move || Ok(self.log.read(offset, max_bytes)?)).await
    }

    /// Like [`Self::read`], for callers that may block.
    pub(crate) fn read_blocking(
        &self,
        offset: i64,
        max_bytes: usize,
    ) -> Result<LogSlice, LogError> {
        self.log.read(offset, max_bytes)
    }

    /// Syncs all appended batches to the disk.
    pub(crate) async fn sync(self: Arc<Self>) -> Result<(), PartitionError> {
        blocking(move || Ok(self.log.sync()?)).await
    }

    /// Syncs, unless nothing was appended since this method last synced.
    pub(crate) async fn sync_if_grown(self: Arc<Self>) -> Result<(), PartitionError> {
        let end = self.end_offset();
        if self.synced_end.load(Ordering::Relaxed) == end {
            return Ok(());
        }
        self.clone().sync().await?;
        self.synced_end.store(end, Ordering::Relaxed);
        Ok(())
    }

    /// Removes closed segments that exceed the limits of age and total size.
    pub(crate) async fn enforce_retention(
        self: Arc<Self>,
        now: SystemTime,
    ) -> Result<(), PartitionError> {
        blocking(move || Ok(self.log.enforce_retention(now)?)).await
    }

    /// Returns the first offset that can be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.log.start_offset()
    }

    /// Returns the offset that the next record will get. With a single replica it is also the high
    /// watermark.
    pub(crate) fn end_offset(&self) -> i64 {
        self.log.end_offset()
    }

    /// Returns the log's size on disk in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.log.size_bytes()
    }

    /// Returns a receiver that follows [`Self::end_offset`].
    pub(crate) fn watch_end(&self) -> watch::Receiver<i64> {
        self.log.watch_end()
    }

    /// Returns a token that is cancelled when the topic is deleted.
    pub(crate) fn deleted(&self) -> &CancellationToken {
        &self.deleted
    }

    /// Ends all streams of the partition and rejects new writes. Blocks until running writes are done.
    pub(crate) fn delete(&self) {
        self.deleted.cancel();
        if let Err(error) = self.log.close() {
            tracing::warn!(%error, partition = self.name(), "could not close the log of a deleted topic");
        }
    }

    /// Syncs, and rejects new writes because the node stops. Blocks the thread.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        self.log.close()
    }

    /// Returns the epoch of the last change that watchers can see.
    pub(crate) fn changed(&self) -> i64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// Sets the epoch of the last change that watchers can see.
    pub(crate) fn status_changed(&self, epoch: i64) {
        self.changed.store(epoch, Ordering::Relaxed);
    }

    /// Returns whether records were appended since the last call.
    pub(crate) fn take_growth(&self) -> bool {
        let end = self.end_offset();
        self.published_end.swap(end, Ordering::Relaxed) != end
    }
}

async fn blocking<T, F>(work: F) -> Result<T, PartitionError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, PartitionError> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(PartitionError::Stopping))
}

fn log_config(spec: &TopicSpec) -> LogConfig {
    let storage = spec.get_storage();
    LogConfig {
        segment_bytes: storage
            .and_then(|storage| storage.segment_size)
            .map_or(SEGMENT_BYTES, u64::from),
        max_bytes: storage
            .and_then(|storage| storage.max_partition_size)
            .unwrap_or(PARTITION_BYTES_MAX),
        retention: Duration::from_secs(spec.retention_secs().into()),
    }
}
