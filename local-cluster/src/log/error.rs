//! Errors of a partition's log.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::batch::BatchError;

/// Why an operation on a log failed.
#[derive(Debug, Error)]
pub(crate) enum LogError {
    /// The operating system reported an error.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The disk has no space for the batches; none of them was stored.
    #[error("no space left for `{}`: free disk space or lower the topic's retention", path.display())]
    Full { path: PathBuf },
    /// Retention has removed the record with this offset.
    #[error("offset {offset} was removed by retention, the log starts at {start}: read from there")]
    OffsetEvicted { offset: i64, start: i64 },
    /// The offset is after the log's end. Reading at the end itself is no error.
    #[error("offset {offset} is after the log's end {end}: read from there")]
    OffsetBeyondEnd { offset: i64, end: i64 },
    /// The batch is larger than a segment may be.
    #[error("batch of {bytes} bytes exceeds the segment size {limit}: produce smaller batches")]
    BatchTooLarge { bytes: usize, limit: u64 },
    /// The log has used all offsets.
    #[error("the log has no offset after {end}: create a new topic")]
    OffsetsExhausted { end: i64 },
    /// The log was closed, because its topic was deleted or the node is stopping.
    #[error("the log `{}` is closed", path.display())]
    Closed { path: PathBuf },
    /// Stored bytes that were valid are now damaged.
    #[error(
        "segment `{}` is damaged at byte {position}: {source}; restore it, or move it and all older segments \
         out of its folder to continue with the rest", path.display()
    )]
    Damaged {
        path: PathBuf,
        position: u64,
        source: BatchError,
    },
    /// A segment between two others is missing.
    #[error(
        "segment `{}` should begin at offset {expected}: restore the one before it, or move all older segments \
         out of its folder to continue with the rest", path.display()
    )]
    Missing { path: PathBuf, expected: i64 },
}

impl LogError {
    /// For `map_err`: adds the attempted action and the file to an I/O error.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Self::Full { path },
                _ => Self::Io {
                    action,
                    path,
                    source,
                },
            }
        }
    }
}
