//! Errors of generating events.

use std::path::PathBuf;

use client::ClientError;

/// Why generating stopped early.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// An operation on the cluster failed, such as connecting or sending a record.
    #[error("generating events: {0}")]
    Cluster(#[from] ClientError),
    /// The lines of `write_lines` cannot be written.
    #[error("cannot write the events: {0}")]
    Output(std::io::Error),
    /// The truth file cannot be written.
    #[error("cannot write the ground truth to `{}`: give a file in a folder that exists", path.display())]
    Truth {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
