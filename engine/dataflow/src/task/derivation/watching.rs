//! Periodic checks between partials: silent partitions, added partitions, unread records, and accounts that are
//! due.

use std::time::Duration;

use client::Partition;
use futures_util::future::join_all;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::DerivationTask;
use crate::error::RunError;

/// How often the cluster is asked whether the source has more partitions, and how many records are unread.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(5);

/// How long to wait for the end offsets of partitions. The loop merges no partials during this time.
const ANSWER_DEADLINE: Duration = Duration::from_secs(2);

impl DerivationTask {
    pub(super) async fn tick(&mut self) -> Result<(), RunError> {
        self.look_for_silence().await?;
        if self.partitions_asked.elapsed() >= PARTITIONS_INTERVAL {
            self.partitions_asked = Instant::now();
            self.look_for_partitions().await?;
            self.look_for_lag().await;
        }
        self.account(false).await
    }

    /// Marks a partition as idle once it has been silent for the idle timeout and has no unread records. Without the
    /// second condition, a slow reader would make its source look silent.
    async fn look_for_silence(&mut self) -> Result<(), RunError> {
        let silent = self.watermarks.silent(self.now_ms());
        let (cluster, source) = (&self.job.cluster, &self.job.spec.from);
        let asked = silent
            .iter()
            .map(|partition| cluster.end_offset(source, *partition));
        let Ok(ends) = timeout(ANSWER_DEADLINE, join_all(asked)).await else {
            return Ok(()); // asked again at the next tick
        };
        for (partition, end) in silent.into_iter().zip(ends) {
            match end {
                Ok(end) if self.partitions[partition.index()].next_offset >= end => {
                    debug!(derivation = self.job.name, %partition, "idle");
                    self.watermarks.set_idle(partition);
                }
                Err(error) if !error.is_retryable() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Updates the number of unread records of each partition. A partition whose end offset cannot be read keeps its
    /// last number. If any request takes longer than [`ANSWER_DEADLINE`], all partitions keep theirs.
    async fn look_for_lag(&self) {
        let (cluster, source) = (&self.job.cluster, &self.job.spec.from);
        let partitions = Partition::all().zip(&self.partitions);
        let asked = partitions.map(|(partition, _)| cluster.end_offset(source, partition));
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

    /// If the source has more partitions, makes a checkpoint and returns the error that restarts the derivation
    /// with all of them.
    async fn look_for_partitions(&mut self) -> Result<(), RunError> {
        let asked = self.job.cluster.partition_count(&self.job.spec.from).await;
        let last_error = asked.as_ref().err().map(ToString::to_string);
        self.job
            .status
            .update(&self.job.name, |status| status.last_error = last_error);
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
