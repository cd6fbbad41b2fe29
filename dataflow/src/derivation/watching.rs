//! Between the partials: silence, partitions that have been added, accounts that are due.

use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use super::Derivation;
use crate::error::RunError;

/// How often a source is asked whether it has more partitions.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(5);

impl Derivation {
    pub(super) async fn tick(&mut self) -> Result<(), RunError> {
        self.look_for_silence().await?;
        if self.partitions_asked.elapsed() >= PARTITIONS_INTERVAL {
            self.partitions_asked = Instant::now();
            self.look_for_partitions().await?;
        }
        self.account(false).await
    }

    /// A partition is idle once it has been silent for the timeout and nothing in it waits to be
    /// read: a slow reader is not a silent source.
    async fn look_for_silence(&mut self) -> Result<(), RunError> {
        for partition in self.watermarks.silent(self.now_ms()) {
            let end = match self
                .job
                .cluster
                .end_offset(&self.job.spec.from, partition as u32)
                .await
            {
                Ok(end) => end,
                Err(error) if error.is_retryable() => continue, // asked again at the next tick
                Err(error) => return Err(error.into()),
            };
            if self.partitions[partition].next_offset >= end {
                debug!(derivation = self.job.name, partition, "idle");
                self.watermarks.set_idle(partition);
            }
        }
        Ok(())
    }

    /// A source that has grown is read anew, all partitions of it, from a checkpoint.
    async fn look_for_partitions(&mut self) -> Result<(), RunError> {
        let asked = self.job.cluster.partition_count(&self.job.spec.from).await;
        let trouble = asked.as_ref().err().map(ToString::to_string);
        self.job
            .status
            .update(&self.job.name, |status| status.trouble = trouble);
        match asked {
            Ok(found) if found as usize > self.partitions.len() && !self.is_replaying() => {
                self.save().await?;
                Err(RunError::PartitionsGrown {
                    topic: self.job.spec.from.clone(),
                    partitions: found,
                })
            }
            Err(error) if !error.is_retryable() => Err(error.into()),
            _ => Ok(()),
        }
    }
}
