//! Errors of the node's metadata.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the metadata could not be read or changed.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// The operating system reported an error.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The folder is in use by another node; both would destroy each other's data.
    #[error("data folder `{}` is in use: stop the other node or choose another folder", dir.display())]
    InUse { dir: PathBuf },
    /// The file's content is not what the node writes.
    #[error(
        "metadata file `{}` is broken ({source}): restore it, or remove it and everything that belongs to it, \
         including a topic's records", path.display()
    )]
    Broken {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// The file was copied or renamed by hand.
    #[error(
        "metadata file `{}` contains `{name}`, which belongs in a different file: rename it back",
        path.display()
    )]
    Misnamed { path: PathBuf, name: String },
    /// The object cannot be encoded.
    #[error("cannot write `{name}` as JSON: {source}")]
    Encode {
        name: String,
        source: serde_json::Error,
    },
    /// The encoded name is longer than file systems allow.
    #[error("the name `{name}` is too long to be stored: choose a shorter one")]
    NameTooLong { name: String },
}

impl StoreError {
    /// For `map_err`: adds the attempted action and the file to an I/O error.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
