//! Recovery: finds out where an earlier runner stopped, from its last checkpoint and from the output that it
//! wrote after that checkpoint.

use client::{Cluster, Partition, Record};
use futures_util::future::try_join_all;
use model::Timestamp;
use serde::Deserialize;
use tracing::warn;

use crate::durable::checkpoint::{Checkpoint, PartitionCheckpoint};
use crate::durable::source_log;
use crate::error::RunError;
use crate::output::prior::{PriorOutput, PriorRow};
use crate::pipeline::Pipeline;
use crate::sink::dead_letters::DeadLetters;
use crate::sink::topic_writer::TopicWriter;
use crate::spec::DerivationSpec;
use crate::watermarks::Watermarks;

/// The maximum number of partitions whose last record is looked up at the same time.
const CHECKS_AT_ONCE: usize = 16;

/// The fields of a derived row that recovery reads: its window, its revision, and whether it is withdrawn and final.
#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    window_end: Timestamp,
    revision: u32,
    #[serde(default)]
    withdrawn: bool,
    #[serde(default, rename = "final")]
    is_final: Option<bool>,
}

/// Loads the derivation's last checkpoint and extends it to the current partitions of its source. Returns an
/// error if the checkpoint was made for another source, for other windows or for another log.
pub(crate) async fn checkpoint(
    cluster: &Cluster,
    derivation: &str,
    spec: &DerivationSpec,
) -> Result<Checkpoint, RunError> {
    let stored = Checkpoint::load(cluster, derivation).await?;
    let mut checkpoint = stored.unwrap_or_default();
    if let Some(definition) = &checkpoint.definition {
        definition.check(derivation, spec)?;
    }
    let partitions = check_logs(cluster, derivation, &spec.from, &checkpoint).await?;
    checkpoint
        .partitions
        .resize(partitions, PartitionCheckpoint::default());
    Ok(checkpoint)
}

/// Returns the current number of partitions of the source, or an error if a partition that was read is missing
/// or does not contain the log that was read.
pub(crate) async fn check_logs(
    cluster: &Cluster,
    derivation: &str,
    source: &str,
    checkpoint: &Checkpoint,
) -> Result<usize, RunError> {
    let count = cluster.partition_count(source).await?;
    let first_missing = Partition(count);
    if let Some(gone) = checkpoint.partitions.get(first_missing.index()) {
        return Err(RunError::SourceReplaced {
            derivation: derivation.to_owned(),
            topic: source.to_owned(),
            partition: first_missing,
            next_offset: gone.next_offset,
            found: "the partition no longer exists".to_owned(),
        });
    }
    let partitions: Vec<_> = Partition::all().zip(&checkpoint.partitions).collect();
    for some in partitions.chunks(CHECKS_AT_ONCE) {
        let checks = some.iter().map(|(partition, position)| {
            source_log::check(cluster, derivation, source, *partition, position.read_to())
        });
        try_join_all(checks).await?;
    }
    Ok(first_missing.index())
}

/// Restores the snapshot that the checkpoint refers to, if any, and changes the checkpoint's offsets to those from
/// which the source and the output topics then have to be read.
pub(crate) async fn restore(
    cluster: &Cluster,
    derivation: &str,
    checkpoint: &mut Checkpoint,
    pipeline: &mut Pipeline,
) -> Result<(), RunError> {
    let Some(snapshot) = checkpoint.snapshot.take() else {
        return Ok(());
    };
    let Some(bytes) = snapshot.load(cluster).await? else {
        warn!(
            derivation,
            "the last snapshot no longer exists, or is of another version; reading again all records that windows need"
        );
        // Source records from before the snapshot are read again. Their rows and late events may be anywhere in
        // the derived topic and in `late-events`, so both topics are read back from the beginning.
        checkpoint.derived_from.clear();
        checkpoint.late_from.clear();
        return Ok(());
    };
    pipeline
        .restore(&bytes)
        .map_err(RunError::snapshot(derivation))?;
    for (partition, position) in Partition::all().zip(&mut checkpoint.partitions) {
        position.rewind_offset = position.rewind_offset.max(snapshot.next_offset(partition));
    }
    checkpoint.snapshot = Some(snapshot);
    Ok(())
}

/// Reads back the output written after the checkpoint.
pub(crate) async fn read_back(
    derived: &TopicWriter,
    dead_letters: &mut DeadLetters,
    checkpoint: &Checkpoint,
    topic: &str,
) -> Result<PriorOutput, RunError> {
    let mut prior = PriorOutput::after(&derived.padded(&checkpoint.derived_from));
    derived
        .read_back(&checkpoint.derived_from, |Record { key, value, .. }| {
            let Stamp {
                window_start,
                window_end,
                revision,
                withdrawn,
                is_final,
            } = serde_json::from_slice(&value).map_err(RunError::reading(topic))?;
            let key = String::from_utf8_lossy(key.as_deref().unwrap_or_default()).into_owned();
            let row = PriorRow {
                window_end,
                revision,
                withdrawn,
                is_early: is_final == Some(false),
                value: value.to_vec(),
            };
            prior.add_row(window_start, key, row);
            Ok(())
        })
        .await?;
    dead_letters
        .read_back(&checkpoint.restart(), |late| prior.add_late(late))
        .await?;
    Ok(prior)
}

/// Restores the watermarks from the checkpoint.
pub(crate) fn watermarks(spec: &DerivationSpec, checkpoint: &Checkpoint) -> Watermarks {
    Watermarks::new(
        spec.lateness.as_millis() as i64,
        spec.idle_timeout.as_millis() as i64,
        checkpoint
            .partitions
            .iter()
            .map(|partition| partition.stream_time),
        checkpoint.watermark,
        0,
    )
}
