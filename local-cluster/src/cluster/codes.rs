//! Maps errors of logs to the protocol's codes.

use fluvio_protocol::link::ErrorCode;

use super::PartitionError;
use crate::log::LogError;

impl From<LogError> for ErrorCode {
    fn from(error: LogError) -> Self {
        match error {
            LogError::OffsetEvicted { offset, start } => Self::OffsetEvicted {
                offset,
                next_available: start,
            },
            LogError::OffsetBeyondEnd { .. } => Self::OffsetOutOfRange,
            LogError::BatchTooLarge { .. } => Self::MessageTooLarge,
            LogError::Closed { .. } => Self::NotLeaderForPartition,
            // Produce requests report a full disk as `PartitionFull` instead, and the node logs it.
            LogError::Full { .. } => Self::StorageError,
            other => {
                tracing::error!(error = %other, "a log failed");
                Self::StorageError
            }
        }
    }
}

impl From<PartitionError> for ErrorCode {
    fn from(error: PartitionError) -> Self {
        match error {
            PartitionError::Deleted => Self::TopicDeleted,
            PartitionError::Log(error) => error.into(),
            PartitionError::Stopping => Self::NotLeaderForPartition,
        }
    }
}
