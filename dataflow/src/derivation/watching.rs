//! Between the partials: silence, partitions that have been added, accounts that are due.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::Derivation;
use crate::error::RunError;

/// How often a source is asked whether it has more partitions.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(5);

/// The partials of the other partitions wait while silent ones are asked for their ends.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

impl Derivation {
    pub(super) async fn tick(&mut self) -> Result<(), RunError> {
        self.look_for_silence().await?;
        if self.partitions_asked.elapsed() >= PARTITIONS_INTERVAL {
            self.partitions_asked = Instant::now();
            self.look_for_partitions().await?;
            self.look_for_lag().await;
        }
        self.account(false).await
    }

    /// A partition is idle once it has been silent for the timeout and nothing in it waits to be
    /// read: a slow reader is not a silent source.
    async fn look_for_silence(&mut self) -> Result<(), RunError> {
        let silent = self.watermarks.silent(self.now_ms());
        let (cluster, source) = (&self.job.cluster, &self.job.spec.from);
        let asked = silent
            .iter()
            .map(|partition| cluster.end_offset(source, *partition as u32));
        let Ok(ends) = timeout(ANSWER_DEADLINE, join_all(asked)).await else {
            return Ok(()); // asked again at the next tick
        };
        for (partition, end) in silent.into_iter().zip(ends) {
            match end {
                Ok(end) if self.partitions[partition].next_offset >= end => {
                    debug!(derivation = self.job.name, partition, "idle");
                    self.watermarks.set_idle(partition);
                }
                Err(error) if !error.is_retryable() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// How many records of each partition wait to be read; what is not answered stays as it was.
    async fn look_for_lag(&self) {
        let (cluster, source) = (&self.job.cluster, &self.job.spec.from);
        let asked = (0..self.partitions.len())
            .map(|partition| cluster.end_offset(source, partition as u32));
        let Ok(ends) = timeout(ANSWER_DEADLINE, join_all(asked)).await else {
            return;
        };
        self.job.status.update(&self.job.name, |status| {
            status.lag.resize(self.partitions.len(), 0);
            for ((lag, position), end) in status.lag.iter_mut().zip(&self.partitions).zip(ends) {
                if let Ok(end) = end {
                    *lag = u64::try_from(end - position.next_offset).unwrap_or(0);
                }
            }
        });
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
