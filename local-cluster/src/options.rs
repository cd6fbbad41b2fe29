//! The settings of a node.

use std::path::PathBuf;

/// Where a node stores its data, and how many connections it serves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of all data, created if it does not exist. Only one running node may use it.
    pub data_dir: PathBuf,
    /// The maximum number of concurrent connections to the data port. `None` allows as many as the limit of
    /// open files permits, see [`Handle::connections_max`](crate::Handle::connections_max).
    pub connections_max: Option<usize>,
}

impl Options {
    /// Returns options for a node in `data_dir`, with as many connections as the limit of open files permits.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            connections_max: None,
        }
    }
}
