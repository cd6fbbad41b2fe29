//! Reads derived topics and measures how old each row is when it arrives.

use std::ops::Range;

use anyhow::Context;
use client::{Cluster, Mode, Partition, Record, RecordStream, Start, now_ms};
use futures_util::TryStreamExt;
use model::Timestamp;
use serde::Deserialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The default `lateness`, which every derivation in `dataflow.yaml` has.
const LATENESS_MS: i64 = 2_000;

/// The delays of a topic's rows in milliseconds, without the lateness.
pub(crate) struct Measured(Vec<i64>);

/// Reads the partitions of the measured derived topics, each in its own task.
pub(crate) struct Delays {
    stop: CancellationToken,
    readers: Vec<(&'static str, JoinHandle<anyhow::Result<Vec<i64>>>)>,
}

#[derive(Deserialize)]
struct Row {
    window_end: Timestamp,
    revision: u32,
}

impl Delays {
    /// Starts to read new rows. Only rows with revision 0 whose window ends in the range are measured.
    pub(crate) async fn start(
        cluster: &Cluster,
        topics: &[&'static str],
        window_ends: Range<i64>,
    ) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let mut readers = Vec::new();
        for topic in topics {
            for partition in 0..cluster.partition_count(topic).await? {
                let records = cluster
                    .records(topic, Partition(partition), Start::End, Mode::Follow)
                    .await?;
                let read = read(records, window_ends.clone(), stop.clone());
                readers.push((*topic, tokio::spawn(read)));
            }
        }
        Ok(Self { stop, readers })
    }

    /// Stops reading, and returns the delays of each topic.
    pub(crate) async fn end(self) -> anyhow::Result<Vec<(&'static str, Measured)>> {
        self.stop.cancel();
        let mut measured: Vec<(&str, Measured)> = Vec::new();
        for (topic, reader) in self.readers {
            let delays = reader.await?.context(topic)?;
            match measured.last_mut() {
                Some((last, of_topic)) if *last == topic => of_topic.0.extend(delays),
                _ => measured.push((topic, Measured(delays))),
            }
        }
        for (_, Measured(delays)) in &mut measured {
            delays.sort_unstable();
        }
        Ok(measured)
    }
}

impl Measured {
    pub(crate) fn rows(&self) -> usize {
        self.0.len()
    }

    /// Returns, for each share, the delay that this share of the rows does not exceed; `None` without rows.
    pub(crate) fn quantiles_ms<const N: usize>(&self, shares: [f64; N]) -> Option<[i64; N]> {
        let last = self.0.len().checked_sub(1)?;
        Some(shares.map(|share| self.0[(last as f64 * share).round() as usize]))
    }
}

async fn read(
    mut records: RecordStream,
    window_ends: Range<i64>,
    stop: CancellationToken,
) -> anyhow::Result<Vec<i64>> {
    let mut delays = Vec::new();
    loop {
        let record = tokio::select! {
            record = records.try_next() => record?.context("the stream ended")?,
            () = stop.cancelled() => return Ok(delays),
        };
        delays.extend(delay(&record, &window_ends)?);
    }
}

/// Returns the delay of a row that has just arrived; `None` if the row is not measured.
fn delay(record: &Record, window_ends: &Range<i64>) -> anyhow::Result<Option<i64>> {
    let now = now_ms();
    let row: Row = serde_json::from_slice(&record.value)?;
    let end = row.window_end.as_millis();
    let is_measured = row.revision == 0 && window_ends.contains(&end);
    Ok(is_measured.then_some(now - end - LATENESS_MS))
}
