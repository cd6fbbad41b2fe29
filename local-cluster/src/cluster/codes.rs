//! Failures of logs as the codes that clients know.

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
