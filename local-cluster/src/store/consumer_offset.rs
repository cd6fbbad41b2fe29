//! How far a named consumer has come in a partition.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::file_name;
use super::objects::Key;

/// Whose offset it is, and where
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ConsumerOffsetKey {
    /// The topic's name
    pub(crate) topic: String,
    /// The topic's partition
    pub(crate) partition: u32,
    /// The name the consumer gave itself; any string
    pub(crate) consumer_id: String,
}

/// The last offset a consumer has reported as consumed
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsumerOffset {
    /// Resume at the one after it
    pub(crate) offset: i64,
    /// When it was reported, in seconds since 1970
    pub(crate) modified_time: u64,
}

impl Key for ConsumerOffsetKey {
    fn file_stem(&self) -> Result<PathBuf, StoreError> {
        let folder = PathBuf::from(file_name::encode(&self.topic)?);
        let consumer = file_name::encode(&self.consumer_id)?;
        Ok(folder.join(format!("{}@{consumer}", self.partition)))
    }

    fn display(&self) -> String {
        format!("{} in {}-{}", self.consumer_id, self.topic, self.partition)
    }
}
