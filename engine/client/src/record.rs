//! A plain record of a partition, read without a SmartModule.

use bytes::Bytes;
use fluvio::consumer::ConsumerRecord;

use crate::Offset;

/// A record with its true offset in the partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record's offset in its partition.
    pub offset: Offset,
    /// The timestamp that the producer set, in milliseconds since the Unix epoch; `None` if the batch has no timestamp.
    pub timestamp_ms: Option<i64>,
    /// The record's key, if it has one. Its hash selected the partition.
    pub key: Option<Bytes>,
    /// The payload.
    pub value: Bytes,
}

impl From<ConsumerRecord> for Record {
    fn from(record: ConsumerRecord) -> Self {
        let (offset, timestamp_ms) = (Offset(record.offset()), record.timestamp());
        let inner = record.into_inner();
        Self {
            offset,
            // Fluvio returns -1 if a batch has no timestamp.
            timestamp_ms: (timestamp_ms >= 0).then_some(timestamp_ms),
            key: inner.key().map(|key| Bytes::copy_from_slice(key.as_ref())),
            value: Bytes::from(inner.into_value().into_vec()),
        }
    }
}
