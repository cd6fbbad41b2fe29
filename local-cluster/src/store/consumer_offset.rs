//! A named consumer's progress in a partition.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::file_name;
use super::objects::Key;

/// Identifies a stored offset by its consumer and partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ConsumerOffsetKey {
    pub(crate) topic: String,
    pub(crate) partition: u32,
    /// The name that the consumer chose for itself; any string.
    pub(crate) consumer_id: String,
}

/// The last offset that a consumer reported as consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsumerOffset {
    /// The offset itself; the consumer resumes at the next one.
    pub(crate) offset: i64,
    /// The time of the report in seconds since 1970.
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
