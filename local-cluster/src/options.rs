//! The settings of a node.

use std::path::PathBuf;

/// Where a node stores its data, and how many connections it serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of all data, created if it does not exist. Only one running node may use it.
    pub data_dir: PathBuf,
    /// The maximum number of concurrent connections to the data port. `None` allows a third of the process's
    /// limit of open files, at most 8,192.
    pub connections_max: Option<usize>,
}

impl Options {
    /// Returns options for a node in `data_dir`, with the default number of connections.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            connections_max: None,
        }
    }
}
