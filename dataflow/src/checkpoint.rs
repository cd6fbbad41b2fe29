//! Checkpoints: the little that a restart needs to know. Windows are made again from the snapshot that
//! it names, if there is one, and from the records behind it that contribute to one of them.

use client::{Cluster, Mode, Start};
use futures_util::StreamExt;
use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::counts::Counts;
use crate::definition::Definition;
use crate::error::RunError;
use crate::outlet::Outlet;
use crate::rules::RuleHistory;
use crate::snapshot::SnapshotRef;
use crate::topics::CHECKPOINTS;

/// Records at the topic's end that hold the last checkpoint of a derivation that others have not
/// left far behind; only for one that they have is the whole topic read, weeks of it.
const TAIL: u64 = 1_000;

/// How far a derivation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Every row of windows that end by this time has been written.
    pub(crate) watermark: Option<Timestamp>,
    /// The source partitions, in order.
    pub(crate) partitions: Vec<PartitionCheckpoint>,
    /// Where the rows of the windows in memory begin, in the derived topic's partitions. What
    /// stands behind may have been written by a runner that did not live to say so.
    pub(crate) derived_from: Vec<i64>,
    /// The same for `rejected-events`: what stands before these offsets comes up no more.
    pub(crate) rejected_from: Vec<i64>,
    /// The same for `late-events`.
    pub(crate) late_from: Vec<i64>,
    /// What was in memory when some of the records had been read.
    #[serde(default)]
    pub(crate) snapshot: Option<SnapshotRef>,
    /// What it goes by; not known of a new one, and of one by an early version.
    #[serde(default)]
    pub(crate) definition: Option<Definition>,
    /// The versions of its rules that hold.
    #[serde(default)]
    pub(crate) rules: RuleHistory,
}

/// How far a derivation has come in one source partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionCheckpoint {
    /// The first offset that a window in memory needs.
    pub(crate) rewind_offset: i64,
    /// Records before this offset have been counted.
    pub(crate) next_offset: i64,
    /// The greatest accepted event time.
    pub(crate) max_event_time: Option<Timestamp>,
    /// What became of the records.
    pub(crate) counts: Counts,
}

impl PartitionCheckpoint {
    /// Whether the record at this offset will be read again.
    pub(crate) fn reads_again(&self, offset: i64) -> bool {
        offset >= self.rewind_offset
    }

    /// Whether the record at this offset will be counted, and diverted if need be.
    pub(crate) fn counts_anew(&self, offset: i64) -> bool {
        offset >= self.next_offset
    }
}

impl Checkpoint {
    /// The derivation's last checkpoint, if there is one.
    pub(crate) async fn load(
        cluster: &Cluster,
        derivation: &str,
    ) -> Result<Option<Self>, RunError> {
        let mut last = None;
        for start in [Start::FromEnd(TAIL), Start::Beginning] {
            let mut records = cluster
                .records(CHECKPOINTS, 0, start, Mode::UntilEnd)
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

    /// Writes the checkpoint and waits until the cluster has it.
    pub(crate) async fn save(&self, outlet: &mut Outlet, derivation: &str) -> Result<(), RunError> {
        let encode_failed = |cause| RunError::Derived {
            topic: CHECKPOINTS.to_owned(),
            cause,
        };
        let value = serde_json::to_vec(self).map_err(encode_failed)?;
        outlet
            .write([(derivation.to_owned(), value)])
            .await
            .map(drop)
    }
}
