//! One partition's log on disk: segments of whole batches in Fluvio's wire encoding.
//!
//! Each segment is a file named after its first offset (`00000000000000000000.log`, …). Only the last one, the
//! active segment, is written to; the others are closed. An index of batch positions is kept in memory. Opening
//! the log rebuilds it by scanning the files.
//!
//! # What an acknowledged append guarantees
//!
//! When [`PartitionLog::append`] returns, the operating system has accepted the batches through `write`:
//! they survive the end of the process, including `kill -9`. They do **not** yet survive a power cut or a
//! crash of the machine. They are synced to the disk (`sync_data`) when their segment is full and closed,
//! when the log is closed or dropped, and on [`PartitionLog::sync`], which the owner calls periodically.
//!
//! Opening a log reads the active segment in full. Bytes after the last intact batch, such as those of a write
//! that was interrupted by the end of the process, are removed with a warning, and offsets continue after that
//! batch. Damage in a closed segment is an error.

mod batch;
mod error;
pub(crate) mod folder;
mod index;
mod open;
mod run;
mod scan;
mod segment;
mod stretch;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::watch;

pub(crate) use self::batch::{
    BatchError, BatchHeader, CheckedBatch, CheckedBatches, HEADER_BYTES, split_checked,
};
pub(crate) use self::error::LogError;
use self::run::Run;
use self::segment::Segment;

/// How a log divides its data into segments, and how long it keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// A segment is closed when the next append would make it larger than this.
    pub(crate) segment_bytes: u64,
    /// The oldest closed segments are removed while the log is larger than this.
    pub(crate) max_bytes: u64,
    /// A closed segment is removed this long after it was last written to.
    pub(crate) retention: Duration,
}

/// The result of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSlice {
    /// Whole batches without gaps between them; empty at the end of the log.
    pub(crate) bytes: Bytes,
    /// The offset at which to continue reading.
    pub(crate) next_offset: i64,
}

/// One partition's log, shared through `Arc`. Its methods block on file I/O.
///
/// Appends run one after another. Reads neither wait for appends nor delay them.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    dir: PathBuf,
    config: LogConfig,
    /// All segments by their first offset: at least one, and the last one is active.
    segments: RwLock<BTreeMap<i64, Arc<Segment>>>,
    writer: Mutex<Writer>,
    end: watch::Sender<i64>,
}

/// The state behind the writer lock, which must be held while the log is changed.
#[derive(Debug)]
struct Writer {
    closed: bool,
}

impl PartitionLog {
    /// Opens the log in `dir`. Creates the folder if it does not exist, and removes all bytes after the last
    /// intact batch.
    pub(crate) fn open(dir: &Path, config: LogConfig) -> Result<Self, LogError> {
        folder::create_durably(dir).map_err(LogError::io("create", dir))?;
        let segments = open::segments(dir)?;
        let end = segments
            .last_key_value()
            .map_or(0, |(_, active)| active.end_offset());
        sync_dir(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            config,
            segments: RwLock::new(segments),
            writer: Mutex::new(Writer { closed: false }),
            end: watch::Sender::new(end),
        })
    }

    /// Appends all batches or none in one write, and returns the base offset of each.
    ///
    /// Sets the base offsets of the batches, so that they continue at the log's end. No checksum covers base
    /// offsets.
    pub(crate) fn append(&self, batches: &[CheckedBatch]) -> Result<Vec<i64>, LogError> {
        self.check_sizes(batches)?;
        let writer = self.writer();
        if writer.closed {
            return Err(LogError::Closed {
                path: self.dir.clone(),
            });
        }
        let run = Run::new(batches, self.end_offset())?;
        self.active_for(run.bytes.len() as u64)?.append(&run)?;
        self.end.send_replace(run.end_offset);
        Ok(run
            .starts
            .into_iter()
            .map(|(base_offset, _)| base_offset)
            .collect())
    }

    /// Reads whole batches, starting with the one that contains `offset`: at least one, and more as long as
    /// they fit `max_bytes` and belong to the same segment. At the log's end the result is empty.
    ///
    /// Never reads beyond [`Self::end_offset`], even while an append is about to move it.
    pub(crate) fn read(&self, offset: i64, max_bytes: usize) -> Result<LogSlice, LogError> {
        let end = self.end_offset();
        match offset.cmp(&end) {
            Ordering::Less => match self.segment_with(offset)?.read(offset, end, max_bytes) {
                // Retention has removed the segment after it was looked up.
                Err(_) if offset < self.start_offset() => Err(self.evicted(offset)),
                read => read,
            },
            Ordering::Equal => Ok(LogSlice {
                bytes: Bytes::new(),
                next_offset: end,
            }),
            Ordering::Greater => Err(LogError::OffsetBeyondEnd { offset, end }),
        }
    }

    /// Returns the first offset that can be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.with_segments(|segments| segments.first_key_value().map_or(0, |(start, _)| *start))
    }

    /// Returns the offset that the next record will get.
    pub(crate) fn end_offset(&self) -> i64 {
        *self.end.borrow()
    }

    /// Returns the total size of all batches in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.with_segments(|segments| segments.values().map(|segment| segment.bytes()).sum())
    }

    /// Returns a receiver that follows the end offset; all records before it can be read.
    pub(crate) fn watch_end(&self) -> watch::Receiver<i64> {
        self.end.subscribe()
    }

    /// Removes the oldest closed segments while they are too old or the log is too large.
    pub(crate) fn enforce_retention(&self, now: SystemTime) -> Result<(), LogError> {
        let writer = self.writer();
        let mut removed = false;
        while let Some(oldest) = self.oldest_closed().filter(|_| !writer.closed) {
            if self.size_bytes() <= self.config.max_bytes && !self.expired(&oldest, now)? {
                break;
            }
            // The file and its entry are removed under one write lock. A reader that has already looked the
            // segment up finds no file. It then sees the new start offset, and reports the offset as evicted.
            self.with_segments_mut(|segments| {
                fs::remove_file(oldest.path()).map_err(LogError::io("remove", oldest.path()))?;
                segments.remove(&oldest.base_offset());
                Ok(())
            })?;
            removed = true;
        }
        if removed { sync_dir(&self.dir) } else { Ok(()) }
    }

    /// Syncs everything appended so far to the disk.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.active().map_or(Ok(()), |active| active.sync())
    }

    /// Syncs the log, and rejects later appends. Must be called before the folder is deleted.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        let mut writer = self.writer();
        writer.closed = true;
        self.active().map_or(Ok(()), |active| active.close())
    }

    fn check_sizes(&self, batches: &[CheckedBatch]) -> Result<(), LogError> {
        let limit = self.config.segment_bytes;
        let mut sizes = batches.iter().map(|batch| batch.bytes().len());
        match sizes.find(|bytes| *bytes as u64 > limit) {
            Some(bytes) => Err(LogError::BatchTooLarge { bytes, limit }),
            None => Ok(()),
        }
    }

    /// Returns the active segment, or starts a new one if `bytes` more would make it too large.
    ///
    /// The batches of one append always share a segment, even if together they exceed the segment size. An
    /// append is a single write, so that it succeeds or fails as a whole.
    fn active_for(&self, bytes: u64) -> Result<Arc<Segment>, LogError> {
        let active = self.active();
        let fits = |held: u64| held == 0 || held + bytes <= self.config.segment_bytes;
        match active {
            Some(active) if fits(active.bytes()) => Ok(active),
            Some(full) => full.close().and_then(|()| self.roll()),
            None => self.roll(),
        }
    }

    fn roll(&self) -> Result<Arc<Segment>, LogError> {
        let segment = Arc::new(Segment::create(&self.dir, self.end_offset())?);
        sync_dir(&self.dir)?;
        self.with_segments_mut(|segments| {
            segments.insert(segment.base_offset(), Arc::clone(&segment))
        });
        Ok(segment)
    }

    fn active(&self) -> Option<Arc<Segment>> {
        self.with_segments(|segments| segments.values().next_back().cloned())
    }

    fn oldest_closed(&self) -> Option<Arc<Segment>> {
        self.with_segments(|segments| match segments.len() {
            0 | 1 => None,
            _ => segments.values().next().cloned(),
        })
    }

    fn segment_with(&self, offset: i64) -> Result<Arc<Segment>, LogError> {
        let at_or_before = |segments: &BTreeMap<i64, Arc<Segment>>| {
            segments
                .range(..=offset)
                .next_back()
                .map(|(_, segment)| Arc::clone(segment))
        };
        self.with_segments(at_or_before)
            .ok_or_else(|| self.evicted(offset))
    }

    fn evicted(&self, offset: i64) -> LogError {
        let start = self.start_offset();
        LogError::OffsetEvicted { offset, start }
    }

    fn expired(&self, segment: &Segment, now: SystemTime) -> Result<bool, LogError> {
        let age = now.duration_since(segment.modified()?).unwrap_or_default();
        Ok(age > self.config.retention)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_segments<T>(&self, look: impl FnOnce(&BTreeMap<i64, Arc<Segment>>) -> T) -> T {
        look(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_segments_mut<T>(&self, edit: impl FnOnce(&mut BTreeMap<i64, Arc<Segment>>) -> T) -> T {
        edit(
            &mut self
                .segments
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Drop for PartitionLog {
    fn drop(&mut self) {
        if let Err(error) = self.sync() {
            tracing::warn!(%error, "the log's last batches may not have reached the disk");
        }
    }
}

/// Makes the creation and removal of files in `dir` durable.
fn sync_dir(dir: &Path) -> Result<(), LogError> {
    folder::sync(dir).map_err(LogError::io("sync", dir))
}
