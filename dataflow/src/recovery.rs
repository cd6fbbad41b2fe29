//! Finds out where an earlier runner stopped: what its checkpoint says, and what it wrote after.

use client::Record;
use model::Timestamp;
use serde::Deserialize;
use tracing::warn;

use crate::checkpoint::Checkpoint;
use crate::diversion::Diversion;
use crate::error::RunError;
use crate::job::Job;
use crate::map::DerivationSpec;
use crate::outlet::Outlet;
use crate::standing::{Standing, StandingRow};
use crate::watermarks::Watermarks;
use crate::windows::AnyWindows;

#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    window_end: Timestamp,
    revision: u32,
    #[serde(default)]
    withdrawn: bool,
}

/// Takes in the snapshot that the checkpoint names; the checkpoint then says where to read on from.
pub(crate) async fn restore(
    job: &Job,
    checkpoint: &mut Checkpoint,
    windows: &mut dyn AnyWindows,
) -> Result<(), RunError> {
    let Some(snapshot) = checkpoint.snapshot.take() else {
        return Ok(());
    };
    let Some(bytes) = snapshot.load(&job.cluster).await? else {
        warn!(
            derivation = job.name,
            "the last snapshot is gone; everything that windows need is read again"
        );
        // What stands may be as old as what is read again.
        checkpoint.derived_from.clear();
        checkpoint.late_from.clear();
        return Ok(());
    };
    let unusable = |cause| RunError::Snapshot {
        derivation: job.name.clone(),
        cause,
    };
    windows.restore(&bytes).map_err(unusable)?;
    for (partition, position) in checkpoint.partitions.iter_mut().enumerate() {
        position.rewind_offset = position.rewind_offset.max(snapshot.next_offset(partition));
    }
    checkpoint.snapshot = Some(snapshot);
    Ok(())
}

/// Reads what stands in the output topics behind the checkpoint.
pub(crate) async fn read_back(
    derived: &Outlet,
    diversion: &mut Diversion,
    checkpoint: &Checkpoint,
    topic: &str,
) -> Result<Standing, RunError> {
    let mut standing = Standing::behind(&derived.padded(&checkpoint.derived_from));
    derived
        .read_back(&checkpoint.derived_from, |Record { key, value, .. }| {
            let malformed = |cause| RunError::Derived {
                topic: topic.to_owned(),
                cause,
            };
            let Stamp {
                window_start,
                window_end,
                revision,
                withdrawn,
            } = serde_json::from_slice(&value).map_err(malformed)?;
            let key = String::from_utf8_lossy(key.as_deref().unwrap_or_default()).into_owned();
            let row = StandingRow {
                window_end,
                revision,
                withdrawn,
                value: value.to_vec(),
            };
            standing.add_row(window_start, key, row);
            Ok(())
        })
        .await?;
    diversion
        .read_back(checkpoint, |(place, time, key)| {
            standing.add_late(place, time, key);
        })
        .await?;
    Ok(standing)
}

/// The watermarks as the checkpoint has them.
pub(crate) fn watermarks(spec: &DerivationSpec, checkpoint: &Checkpoint) -> Watermarks {
    Watermarks::new(
        spec.lateness.as_millis() as i64,
        spec.idle_timeout.as_millis() as i64,
        checkpoint
            .partitions
            .iter()
            .map(|partition| partition.max_event_time),
        checkpoint.watermark,
        0,
    )
}
