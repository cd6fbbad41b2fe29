//! Stored batches of plain records, whole ones only: those that a SmartModule would be given, for who does on this side
//! of the connection what a SmartModule does on the other.

use std::fmt::{self, Debug, Formatter};
use std::time::Duration;

use bytes::Bytes;
use fluvio::consumer::ConsumerConfig;
use fluvio::dataplane::record::Batch;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::source::{PartitionReader, Source, plain};
use crate::{ClientError, Cluster, PartitionSource, Record};

#[cfg(test)]
mod tests;

/// A server sends a batch whole or not at all, so this is above what producers may send.
const ANSWER_BYTES_MAX: i32 = 8 * 1024 * 1024;
/// A batch that is larger than an answer is never sent, and nothing is said about it: after this long without a batch
/// the reader asks whether there is one.
const SILENCE: Duration = Duration::from_secs(5);

/// The records of one stored batch: at least one, and no offset is left out between them.
pub type StoredBatch = Vec<Record>;

/// The batches of a partition, in order and without gaps. Nothing is retried: after an error it is of no more use.
pub struct BatchStream(InOrder<PartitionReader>);

impl Cluster {
    /// Reads stored batches from `source.offset` on, where one must begin.
    pub async fn batches(&self, source: &PartitionSource) -> Result<BatchStream, ClientError> {
        let reader = PartitionReader {
            cluster: self.clone(),
            topic: source.topic.clone(),
            partition: source.partition,
        };
        let name = reader.name();
        let config = ConsumerConfig {
            max_bytes: ANSWER_BYTES_MAX,
            ..plain(&name)?
        };
        let records = move |batch| whole(&name, batch);
        let frames = reader.stream_as(source.offset, config, records).await?;
        Ok(BatchStream(InOrder {
            source: reader,
            frames,
            next: source.offset,
            silence: SILENCE,
        }))
    }
}

impl BatchStream {
    /// The next batch, however long it takes to come. Nothing is lost when the wait for it is given up.
    pub async fn next(&mut self) -> Result<StoredBatch, ClientError> {
        self.0.next().await
    }
}

impl Debug for BatchStream {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BatchStream")
            .field("of", &self.0.source.name())
            .field("next", &self.0.next)
            .finish_non_exhaustive()
    }
}

struct InOrder<S: Source> {
    source: S,
    frames: S::Frames,
    /// The offset that must come next.
    next: i64,
    silence: Duration,
}

impl<S: Source> InOrder<S> {
    async fn next(&mut self) -> Result<StoredBatch, ClientError> {
        loop {
            if let Ok(frame) = timeout(self.silence, self.frames.next()).await {
                return self.take(frame);
            }
            if self.source.offsets().await?.end > self.next {
                // It may have been written just now: then it is on its way.
                return match timeout(self.silence, self.frames.next()).await {
                    Ok(frame) => self.take(frame),
                    Err(_) => Err(self.failed("the server does not send what comes next")),
                };
            }
        }
    }

    fn take(
        &mut self,
        frame: Option<Result<Vec<Record>, ClientError>>,
    ) -> Result<StoredBatch, ClientError> {
        let Some(records) = frame.transpose()? else {
            return Err(self.failed("the server ended the stream"));
        };
        let in_order = (self.next..)
            .zip(&records)
            .all(|(next, record)| record.offset == next);
        if !in_order || records.is_empty() {
            return Err(self.failed("the server left records out"));
        }
        self.next += records.len() as i64;
        Ok(records)
    }

    fn failed(&self, reason: &str) -> ClientError {
        let reason = format!("{reason}, at offset `{}`", self.next);
        ClientError::retry(format!("reading `{}`", self.source.name()), reason)
    }
}

/// The records of a batch as a SmartModule sees them, unless some were cut off on the way.
fn whole(name: &str, batch: Batch) -> Result<StoredBatch, ClientError> {
    let (base_offset, base_ms) = (batch.get_base_offset(), batch.get_base_timestamp());
    if batch.records().len() as i64 != i64::from(batch.last_offset_delta()) + 1 {
        let reason = format!("the batch at offset `{base_offset}` did not come whole");
        return Err(ClientError::retry(format!("reading `{name}`"), reason));
    }
    let records = batch.own_records().into_iter().map(|record| Record {
        offset: base_offset + record.offset_delta(),
        timestamp_ms: (base_ms >= 0).then(|| base_ms + record.timestamp_delta()),
        key: record.key().map(|key| Bytes::copy_from_slice(key.as_ref())),
        value: Bytes::from(record.into_value().into_vec()),
    });
    Ok(records.collect())
}
