//! What can go wrong with a partition's log.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::batch::BatchError;

/// Why a log could not do what was asked
#[derive(Debug, Error)]
pub(crate) enum LogError {
    /// The operating system refused
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// No room for the batches, and nothing of them was kept
    #[error("no space left for `{}`: free some or lower the topic's retention", path.display())]
    Full { path: PathBuf },
    /// Retention has removed the offset
    #[error("offset `{offset}` is gone, the log starts at `{start}`: read from there")]
    OffsetEvicted { offset: i64, start: i64 },
    /// Nothing has this offset yet
    #[error("offset `{offset}` is beyond the log's end `{end}`: read from there")]
    OffsetBeyondEnd { offset: i64, end: i64 },
    /// A batch must fit a segment
    #[error("batch of `{bytes}` bytes exceeds the segment size {limit}: produce smaller batches")]
    BatchTooLarge { bytes: usize, limit: u64 },
    /// No offsets left to give
    #[error("the offset after `{end}` cannot be numbered: start a new topic")]
    OffsetsExhausted { end: i64 },
    /// The log was closed, because its topic is deleted or the node stops
    #[error("the log `{}` is closed", path.display())]
    Closed { path: PathBuf },
    /// Bytes that were sound once are not any more
    #[error(
        "segment `{}` is damaged at byte `{position}`: {source}; restore it, or move it and all \
         older ones of its folder away to go on with the rest", path.display()
    )]
    Damaged {
        path: PathBuf,
        position: u64,
        source: BatchError,
    },
    /// A segment between two others is missing
    #[error(
        "segment `{}` should begin at offset `{expected}`: restore the one before it, or move all \
         older ones of its folder away to go on with the rest", path.display()
    )]
    Missing { path: PathBuf, expected: i64 },
}

impl LogError {
    /// For `map_err`: what was tried on which file
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
