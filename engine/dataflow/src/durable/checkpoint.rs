//! Checkpoints: the progress from which a restart resumes. A restart rebuilds the windows from the checkpoint's
//! snapshot, if it refers to one, and from the source records that the snapshot does not contain.

use client::{Cluster, Mode, Offset, Partition, Start};
use futures_util::StreamExt;
use model::{SendersAhead, Timestamp};
use serde::{Deserialize, Serialize};

use crate::durable::snapshot::SnapshotRef;
use crate::durable::source_log::ReadTo;
use crate::error::RunError;
use crate::sink::counts::Counts;
use crate::sink::dead_letters::{ReadAgain, Restart};
use crate::sink::position::Position;
use crate::sink::topic_writer::TopicWriter;
use crate::spec::definition::Definition;
use crate::spec::rule_set::RuleHistory;
use crate::topics::CHECKPOINTS;

/// The number of records at the end of the checkpoint topic that are searched first for a derivation's last
/// checkpoint. The whole topic, which may span weeks, is read only if none of them is a checkpoint of the derivation.
const TAIL: u64 = 1_000;

/// The durable progress of a derivation.
///
/// - The rows, the dead letters and the snapshot that a checkpoint accounts for are written before the checkpoint. The
///   exception is detections of a keyed process, which are written after it.
/// - A checkpoint contains an offset for each partition of the output topics. A restart never recomputes an output
///   record before that offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// All rows of windows that end by this time have been written. Detections of a keyed process up to this time
    /// may be missing: a restart computes them again and writes those that are missing.
    pub(crate) watermark: Option<Timestamp>,
    /// Windows that ended by this time were computed from an earlier log of the source and must not be
    /// changed.
    #[serde(default)]
    pub(crate) closed_to: Option<Timestamp>,
    /// The progress in each source partition, in order.
    pub(crate) partitions: Vec<PartitionCheckpoint>,
    /// Offsets in the derived topic, one for each of its partitions. A restart may recompute the rows from these
    /// offsets on, so it first reads those rows back.
    pub(crate) derived_from: Vec<Offset>,
    /// Offsets in `rejected-events`, one for each of its partitions. A restart never recomputes the dead letters
    /// before them.
    pub(crate) rejected_from: Vec<Offset>,
    /// Offsets in `late-events`, one for each of its partitions. A restart never recomputes the dead letters before
    /// them.
    pub(crate) late_from: Vec<Offset>,
    /// The snapshot of the derivation's memory that this checkpoint builds on.
    #[serde(default)]
    pub(crate) snapshot: Option<SnapshotRef>,
    /// The derivation's source and window parameters; `None` if no checkpoint exists yet, or if an early version of
    /// the runner wrote the checkpoint.
    #[serde(default)]
    pub(crate) definition: Option<Definition>,
    /// The versions of the derivation's rules that runners have adopted.
    #[serde(default)]
    pub(crate) rules: RuleHistory,
}

/// The durable progress of a derivation in one source partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionCheckpoint {
    /// The offset of the first batch that contributes to an entry in memory; if there is no such batch, the next
    /// offset to read. Without a snapshot, a restart reads from here.
    pub(crate) rewind_offset: Offset,
    /// Records before this offset have been counted.
    pub(crate) next_offset: Offset,
    /// How far this partition has advanced event time, as in [`model::partial::BatchHeader::stream_time`].
    #[serde(alias = "max_event_time")]
    pub(crate) stream_time: Option<Timestamp>,
    /// The fingerprint of the last record before `next_offset`. It distinguishes this log from a different one
    /// under the same name. `None` if nothing was read, if retention removed that record before it was read, or if
    /// an early version of the runner wrote the checkpoint.
    #[serde(default)]
    pub(crate) last_record: Option<u64>,
    pub(crate) counts: Counts,
}

impl PartitionCheckpoint {
    /// Whether a restart reads the record at this offset again.
    #[cfg(test)]
    pub(crate) fn reads_again(&self, offset: Offset) -> bool {
        offset >= self.rewind_offset
    }

    /// Returns the position up to which the partition has been read.
    pub(crate) fn read_to(&self) -> ReadTo {
        ReadTo::new(self.next_offset, self.last_record)
    }

    /// Whether a restart counts the record at this offset, because it has not been counted yet.
    #[cfg(test)]
    pub(crate) fn is_uncounted(&self, offset: Offset) -> bool {
        offset >= self.next_offset
    }
}

impl From<PartitionCheckpoint> for Position {
    fn from(checkpoint: PartitionCheckpoint) -> Self {
        Self {
            next_offset: checkpoint.rewind_offset,
            replayed_to: checkpoint.next_offset,
            last_record: checkpoint.last_record,
            counts: checkpoint.counts,
            ahead: SendersAhead::default(),
        }
    }
}

/// The end offsets of a derivation's output topics.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputEnds {
    pub(crate) derived: Vec<Offset>,
    pub(crate) rejected: Vec<Offset>,
    pub(crate) late: Vec<Offset>,
}

impl Checkpoint {
    /// Returns the checkpoint with which a derivation is reset after its source was replaced by another log with
    /// this number of partitions. The derivation then leaves its earlier output, which ends at `ends`, unchanged.
    /// The counts continue, because they cover all records that were ever read.
    pub(crate) fn for_another_log(self, partitions: u32, ends: OutputEnds) -> Self {
        let begin = |partition: PartitionCheckpoint| PartitionCheckpoint {
            counts: partition.counts,
            ..PartitionCheckpoint::default()
        };
        let known = Partition::of(partitions).zip(self.partitions);
        Self {
            watermark: self.watermark,
            closed_to: self.watermark.max(self.closed_to),
            partitions: known.map(|(_, partition)| begin(partition)).collect(),
            derived_from: ends.derived,
            rejected_from: ends.rejected,
            late_from: ends.late,
            snapshot: None,
            definition: self.definition,
            rules: self.rules.of_another_log(),
        }
    }

    /// Returns the offsets from which a restart from this checkpoint reads back dead letters, and the source
    /// records that it reads again.
    pub(crate) fn restart(&self) -> Restart<'_> {
        let again = |partition: &PartitionCheckpoint| ReadAgain {
            rewind_offset: partition.rewind_offset,
            next_offset: partition.next_offset,
        };
        Restart {
            rejected_from: &self.rejected_from,
            late_from: &self.late_from,
            partitions: self.partitions.iter().map(again).collect(),
        }
    }

    /// Loads the derivation's last checkpoint, if there is one.
    pub(crate) async fn load(
        cluster: &Cluster,
        derivation: &str,
    ) -> Result<Option<Self>, RunError> {
        let mut last = None;
        for start in [Start::FromEnd(TAIL), Start::Beginning] {
            let mut records = cluster
                .records(CHECKPOINTS, Partition(0), start, Mode::UntilEnd)
                .await?;
            while let Some(record) = records.next().await {
                let record = record?;
                if record.key.as_deref() == Some(derivation.as_bytes()) {
                    last = Some(record);
                }
            }
            if last.is_some() {
                break;
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

    /// Writes the checkpoint and waits until the cluster has acknowledged it.
    pub(crate) async fn save(
        &self,
        writer: &mut TopicWriter,
        derivation: &str,
    ) -> Result<(), RunError> {
        let value = serde_json::to_vec(self).map_err(RunError::writing(CHECKPOINTS))?;
        writer
            .write([(derivation.to_owned(), value)])
            .await
            .map(drop)
    }
}
