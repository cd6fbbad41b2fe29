//! Checkpoints: the little that a restart needs to know. Open windows are not saved: they are made
//! again by reading from the first offset that contributes to one of them.

use client::{Cluster, Mode, Producer, Start};
use futures_util::StreamExt;
use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::provision::CHECKPOINTS;

/// How far a derivation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Windows that end by this time are closed and written.
    pub(crate) watermark: Option<Timestamp>,
    /// The source partitions, in order.
    pub(crate) partitions: Vec<PartitionCheckpoint>,
    /// The end of each partition of the derived topic when this was true: rows behind it may have
    /// been written by a runner that did not live to say so.
    pub(crate) derived_ends: Vec<i64>,
}

/// How far a derivation has come in one source partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionCheckpoint {
    /// The first offset that an open window needs.
    pub(crate) rewind_offset: i64,
    /// Records before this offset have been counted.
    pub(crate) next_offset: i64,
    /// The greatest accepted event time.
    pub(crate) max_event_time: Option<Timestamp>,
}

impl Checkpoint {
    /// The derivation's last checkpoint, if there is one.
    pub(crate) async fn load(
        cluster: &Cluster,
        derivation: &str,
    ) -> Result<Option<Self>, RunError> {
        let mut records = cluster
            .records(CHECKPOINTS, 0, Start::Beginning, Mode::UntilEnd)
            .await?;
        let mut last = None;
        while let Some(record) = records.next().await {
            let record = record?;
            if record.key.as_deref() == Some(derivation.as_bytes()) {
                last = Some(record);
            }
        }
        let Some(record) = last else { return Ok(None) };
        let malformed = |cause| RunError::Checkpoint {
            derivation: derivation.to_owned(),
            offset: record.offset,
            cause,
        };
        serde_json::from_slice(&record.value)
            .map(Some)
            .map_err(malformed)
    }

    /// Writes the checkpoint and waits until the cluster has it.
    pub(crate) async fn save(&self, producer: &Producer, derivation: &str) -> Result<(), RunError> {
        let encode_failed = |cause| RunError::Derived {
            topic: CHECKPOINTS.to_owned(),
            cause,
        };
        let value = serde_json::to_vec(self).map_err(encode_failed)?;
        let delivery = producer.send(derivation.to_owned(), value).await?;
        producer.flush().await?;
        delivery.wait().await?;
        Ok(())
    }
}
