//! One partition's log on disk: segments of whole batches, in exactly Fluvio's wire encoding.
//!
//! A folder holds files named after their first offset (`00000000000000000000.log`, …). Only the
//! last one, the active segment, is written to; the others are closed. What is where is kept in
//! memory and found again at open by walking the files.
//!
//! # What an answered append means
//!
//! When [`PartitionLog::append`] returns, the batches have been handed to the operating system by
//! `write`: they survive the end of the process, `kill -9` included. They do **not** yet survive a
//! power cut or a crash of the machine. They reach the disk (`sync_data`) when their segment is
//! closed because it is full, when the log is closed or dropped, and whenever somebody calls
//! [`PartitionLog::sync`], which the owner does periodically.
//!
//! At open the active segment is read in full. What follows the last sound batch, such as a write
//! that the end of the process cut short, is cut off with a warning; offsets go on from there.
//! Damage in a closed segment is an error.

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

/// How a log divides and keeps its data
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// A segment is closed when the next append would make it larger
    pub(crate) segment_bytes: u64,
    /// The oldest closed segments go while all together are larger
    pub(crate) max_bytes: u64,
    /// Closed segments go so long after they were last written to
    pub(crate) retention: Duration,
}

/// What a read found
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSlice {
    /// Whole batches back to back; empty at the end of the log
    pub(crate) bytes: Bytes,
    /// Where to read next
    pub(crate) next_offset: i64,
}

/// One partition's log; shared by `Arc`, its calls block on file I/O
///
/// Appends go one after another. Reads neither wait for appends nor delay them.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    dir: PathBuf,
    config: LogConfig,
    /// By first offset; never empty, the last one is active
    segments: RwLock<BTreeMap<i64, Arc<Segment>>>,
    writer: Mutex<Writer>,
    end: watch::Sender<i64>,
}

/// Held by whoever changes the log
#[derive(Debug)]
struct Writer {
    closed: bool,
}

impl PartitionLog {
    /// Opens the log in `dir`, which is created if missing, and cuts off what is not whole
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

    /// Appends the batches in one write, all or none, and returns each one's base offset
    ///
    /// Their base offsets (which no checksum covers) are set to follow the log's end.
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

    /// Whole batches from the one that holds `offset`: at least one, more while they stay within
    /// `max_bytes` and the segment goes on; empty at the log's end
    ///
    /// Never goes beyond [`Self::end_offset`], even while an append is about to move it.
    pub(crate) fn read(&self, offset: i64, max_bytes: usize) -> Result<LogSlice, LogError> {
        let end = self.end_offset();
        match offset.cmp(&end) {
            Ordering::Less => self.segment_with(offset)?.read(offset, end, max_bytes),
            Ordering::Equal => Ok(LogSlice {
                bytes: Bytes::new(),
                next_offset: end,
            }),
            Ordering::Greater => Err(LogError::OffsetBeyondEnd { offset, end }),
        }
    }

    /// The first offset that can be read
    pub(crate) fn start_offset(&self) -> i64 {
        self.with_segments(|segments| segments.first_key_value().map_or(0, |(start, _)| *start))
    }

    /// The offset the next record will get
    pub(crate) fn end_offset(&self) -> i64 {
        *self.end.borrow()
    }

    /// Bytes of all batches
    pub(crate) fn size_bytes(&self) -> u64 {
        self.with_segments(|segments| segments.values().map(|segment| segment.bytes()).sum())
    }

    /// Tells when the end moves; what it shows can be read
    pub(crate) fn watch_end(&self) -> watch::Receiver<i64> {
        self.end.subscribe()
    }

    /// Removes closed segments that are too old, and the oldest while the log is too large
    pub(crate) fn enforce_retention(&self, now: SystemTime) -> Result<(), LogError> {
        let writer = self.writer();
        let mut removed = false;
        while let Some(oldest) = self.oldest_closed().filter(|_| !writer.closed) {
            if self.size_bytes() <= self.config.max_bytes && !self.expired(&oldest, now)? {
                break;
            }
            fs::remove_file(oldest.path()).map_err(LogError::io("remove", oldest.path()))?;
            self.with_segments_mut(|segments| segments.remove(&oldest.base_offset()));
            removed = true;
        }
        if removed { sync_dir(&self.dir) } else { Ok(()) }
    }

    /// Brings everything appended so far to the disk
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.active().map_or(Ok(()), |active| active.sync())
    }

    /// Syncs, and refuses appends from now on; call it before the folder is deleted
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

    /// The active segment, a new one if `bytes` more would make it too large
    ///
    /// Several batches that are larger together than a segment share one all the same: an append
    /// is one write, so that it cannot succeed by halves.
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
            .ok_or_else(|| LogError::OffsetEvicted {
                offset,
                start: self.start_offset(),
            })
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
            tracing::warn!(%error, "the log's last batches may not be on the disk");
        }
    }
}

/// Makes created and removed files of `dir` durable
fn sync_dir(dir: &Path) -> Result<(), LogError> {
    folder::sync(dir).map_err(LogError::io("sync", dir))
}
