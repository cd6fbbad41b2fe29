//! One file of a log: whole batches without gaps, named after the offset of the first one.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use bytes::Bytes;

use super::LogSlice;
use super::batch::{BatchError, HEADER_BYTES, MAX_BATCH_BYTES};
use super::error::LogError;
use super::index::{Index, STEP_BYTES};
use super::run::Run;
use super::scan::{Depth, Scan, scan};
use super::stretch::{extend, find};

/// The most bytes that one read returns: the size of the largest batch. It bounds a reader's memory, whatever
/// size the client requests.
const MAX_READ_BYTES: usize = MAX_BATCH_BYTES;

/// A segment's file and its state. One thread appends while others read.
#[derive(Debug)]
pub(super) struct Segment {
    base_offset: i64,
    path: PathBuf,
    /// Kept open only while the segment is being written: there are many closed segments, and the number of
    /// open files is limited.
    file: RwLock<Option<Arc<File>>>,
    tail: RwLock<Tail>,
    /// The number of bytes that have reached the disk.
    synced_bytes: AtomicU64,
    /// Whether a failed write left bytes after the tail.
    torn: AtomicBool,
}

/// The end of the segment. It changes only after the bytes are in the file.
#[derive(Debug)]
struct Tail {
    bytes: u64,
    end_offset: i64,
    index: Index,
}

impl Segment {
    /// Creates an empty segment. Replaces an existing file of that name: it is left over from a failed attempt to
    /// create the segment.
    pub(super) fn create(dir: &Path, base_offset: i64) -> Result<Self, LogError> {
        let path = dir.join(file_name(base_offset));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(LogError::io("create", &path))?;
        let tail = Tail {
            bytes: 0,
            end_offset: base_offset,
            index: Index::default(),
        };
        Ok(Self::new(base_offset, path, Some(file), tail))
    }

    /// Opens a closed segment. Checks only the headers of its batches; damage in a header is an error.
    pub(super) fn open_closed(path: &Path, base_offset: i64) -> Result<Self, LogError> {
        let (_, found) = open_and_scan(path, base_offset, Depth::Headers)?;
        match found.damage {
            Some(source) => Err(LogError::Damaged {
                path: path.to_owned(),
                position: found.bytes,
                source,
            }),
            None => Ok(Self::new(base_offset, path.to_owned(), None, found.into())),
        }
    }

    /// Opens the active segment, and removes everything from its first damaged batch on.
    pub(super) fn open_active(path: &Path, base_offset: i64) -> Result<Self, LogError> {
        let (file, found) = open_and_scan(path, base_offset, Depth::Checksums)?;
        if let Some(damage) = &found.damage {
            cut(&file, path, found.bytes, damage)?;
        }
        let path = path.to_owned();
        Ok(Self::new(base_offset, path, Some(file), found.into()))
    }

    fn new(base_offset: i64, path: PathBuf, file: Option<File>, tail: Tail) -> Self {
        let synced_bytes = AtomicU64::new(0);
        let torn = AtomicBool::new(false);
        Self {
            base_offset,
            path,
            file: RwLock::new(file.map(Arc::new)),
            tail: RwLock::new(tail),
            synced_bytes,
            torn,
        }
    }

    /// Returns the offset of the first record. In an empty segment, the next record gets this offset.
    pub(super) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Returns the offset after the last record.
    pub(super) fn end_offset(&self) -> i64 {
        self.tail().end_offset
    }

    /// Returns the total size of all batches in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.tail().bytes
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the time at which the file was last written to.
    pub(super) fn modified(&self) -> Result<SystemTime, LogError> {
        let modified = fs::metadata(&self.path).and_then(|metadata| metadata.modified());
        modified.map_err(LogError::io("look up the modification time of", &self.path))
    }

    /// Writes `run` after the tail, either as a whole or not at all. Must not be called by two threads at
    /// once.
    pub(super) fn append(&self, run: &Run) -> Result<(), LogError> {
        self.mend()?;
        let at = self.bytes();
        if let Err(error) = self.file()?.write_all_at(&run.bytes, at) {
            self.torn.store(true, Ordering::Relaxed);
            if let Err(also) = self.mend() {
                tracing::warn!(error = %also, "cannot cut off a failed append; the next append tries again");
            }
            return Err(LogError::io("append to", &self.path)(error));
        }
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        for &(base_offset, position) in &run.starts {
            tail.index.note(base_offset, at + position);
        }
        tail.bytes = at + run.bytes.len() as u64;
        tail.end_offset = run.end_offset;
        Ok(())
    }

    /// Removes the bytes that a failed append left. If batches were written after them, the next open would
    /// remove those batches too.
    fn mend(&self) -> Result<(), LogError> {
        if self.torn.load(Ordering::Relaxed) {
            self.file()?
                .set_len(self.bytes())
                .map_err(LogError::io("truncate", &self.path))?;
            self.torn.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Syncs the segment and closes its file, so that another segment can follow it.
    pub(super) fn close(&self) -> Result<(), LogError> {
        self.mend()?;
        self.sync()?;
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        *file = None;
        Ok(())
    }

    /// Returns the open file; opens the file of a closed segment for reading.
    fn file(&self) -> Result<Arc<File>, LogError> {
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        match &*file {
            Some(file) => Ok(Arc::clone(file)),
            None => File::open(&self.path)
                .map(Arc::new)
                .map_err(LogError::io("open", &self.path)),
        }
    }

    /// Syncs appended bytes to the disk. Does nothing if all of them are synced.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        let bytes = self.bytes();
        if self.synced_bytes.load(Ordering::Relaxed) < bytes {
            self.file()?
                .sync_data()
                .map_err(LogError::io("sync", &self.path))?;
            self.synced_bytes.fetch_max(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads whole batches from the one that contains `offset` up to the offset `end`. The segment must contain
    /// `offset`.
    ///
    /// See [`super::PartitionLog::read`].
    pub(super) fn read(
        &self,
        offset: i64,
        end: i64,
        max_bytes: usize,
    ) -> Result<LogSlice, LogError> {
        let (from, bytes) = {
            let tail = self.tail();
            (tail.index.floor(offset), tail.bytes)
        };
        let max_bytes = max_bytes.min(MAX_READ_BYTES);
        let wanted = STEP_BYTES + (HEADER_BYTES + max_bytes) as u64;
        let near = self.read_exact(from, wanted.min(bytes - from) as usize)?;
        let damaged = |(at, source)| self.damaged(from + at as u64, source);
        let (at, first) = find(&near, offset).map_err(damaged)?;
        if near.len() - at < first.total_bytes {
            let bytes = self.read_exact(from + at as u64, first.total_bytes)?;
            return Ok(LogSlice {
                bytes: bytes.into(),
                next_offset: first.next_offset(),
            });
        }
        let (to, next_offset) = extend(&near, at, first, end, max_bytes).map_err(damaged)?;
        Ok(LogSlice {
            bytes: Bytes::from(near).slice(at..to),
            next_offset,
        })
    }

    fn read_exact(&self, position: u64, bytes: usize) -> Result<Vec<u8>, LogError> {
        let mut buffer = vec![0; bytes];
        let read = self.file()?.read_exact_at(&mut buffer, position);
        read.map(|()| buffer)
            .map_err(LogError::io("read", &self.path))
    }

    fn damaged(&self, position: u64, source: BatchError) -> LogError {
        LogError::Damaged {
            path: self.path.clone(),
            position,
            source,
        }
    }

    fn tail(&self) -> RwLockReadGuard<'_, Tail> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Scan> for Tail {
    fn from(found: Scan) -> Self {
        Self {
            bytes: found.bytes,
            end_offset: found.end_offset,
            index: found.index,
        }
    }
}

/// Parses the base offset in the name of a segment's file; `None` for other files.
pub(super) fn base_offset_of(file_name: &str) -> Option<i64> {
    let digits = file_name.strip_suffix(".log")?;
    let all_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| all_digits)
}

fn file_name(base_offset: i64) -> String {
    format!("{base_offset:020}.log")
}

fn open_and_scan(path: &Path, base_offset: i64, depth: Depth) -> Result<(File, Scan), LogError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(LogError::io("open", path))?;
    let found = scan(&file, base_offset, depth).map_err(LogError::io("read", path))?;
    Ok((file, found))
}

fn cut(file: &File, path: &Path, bytes: u64, damage: &BatchError) -> Result<(), LogError> {
    let before = file
        .metadata()
        .map_err(LogError::io("look up", path))?
        .len();
    tracing::warn!(
        file = %path.display(),
        kept_bytes = bytes,
        cut_bytes = before - bytes,
        reason = %damage,
        "cut off the end of a segment, because it is not a complete batch"
    );
    file.set_len(bytes)
        .and_then(|()| file.sync_all())
        .map_err(LogError::io("truncate", path))
}
