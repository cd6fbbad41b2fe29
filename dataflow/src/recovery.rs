//! Finds out where an earlier runner stopped: what its checkpoint says, and what it wrote after.

use client::Record;
use model::{Timestamp, Window};
use serde::Deserialize;

use crate::checkpoint::Checkpoint;
use crate::diversion::Diversion;
use crate::error::RunError;
use crate::map::DerivationSpec;
use crate::outlet::Outlet;
use crate::standing::{Standing, StandingRow};
use crate::watermarks::Watermarks;

#[derive(Deserialize)]
struct Stamp {
    window_start: Timestamp,
    window_end: Timestamp,
    revision: u32,
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
            } = serde_json::from_slice(&value).map_err(malformed)?;
            let key = String::from_utf8_lossy(key.as_deref().unwrap_or_default()).into_owned();
            standing.add_row(
                Window {
                    start: window_start,
                    end: window_end,
                },
                key,
                StandingRow {
                    revision,
                    value: value.to_vec(),
                },
            );
            Ok(())
        })
        .await?;
    diversion
        .read_back(checkpoint, |partition, offset, time| {
            standing.add_late(partition, offset, time);
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
