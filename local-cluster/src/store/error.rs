//! What can go wrong with the node's metadata.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the metadata could not be read or changed
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// The operating system refused
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Two nodes on one folder would destroy each other's data
    #[error("data folder `{}` is in use: stop the other node or choose another folder", dir.display())]
    InUse { dir: PathBuf },
    /// Not what was written
    #[error(
        "metadata file `{}` is broken ({source}): restore it, or remove it with all that belongs \
         to it, a topic's records included", path.display()
    )]
    Broken {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// Copied or renamed by hand
    #[error(
        "metadata file `{}` holds `{name}`, which belongs into another file: rename it back",
        path.display()
    )]
    Misnamed { path: PathBuf, name: String },
    /// Could not be written down
    #[error("cannot write `{name}` as JSON: {source}")]
    Encode {
        name: String,
        source: serde_json::Error,
    },
    /// No file system takes such a file name
    #[error("the name `{name}` is too long to be stored: choose a shorter one")]
    NameTooLong { name: String },
}

impl StoreError {
    /// For `map_err`: what was tried on which file
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
