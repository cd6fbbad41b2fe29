//! Reads the records of a source from a point in time to the current end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use client::{Cluster, Mode, Offset, OffsetRange, Partition, Record, Start};
use futures_util::StreamExt;
use model::Timestamp;
use sql::{DeclaredSource, Query};

use super::counts::Counts;
use crate::progress::{Done, Progress};

/// How much earlier than the first event time to start, in ingest time: a sender's clock can be ahead of the cluster's.
const AHEAD_MS: i64 = 10 * 60_000;
/// The number of records before the end at which the search for the first one begins.
const SEARCH_FROM: i64 = 1_000;
/// The factor by which the search goes back in each step.
const SEARCH_FACTOR: i64 = 8;

/// Adds to a query the records whose event time is at least `since`, or all of them.
pub(super) async fn read(
    cluster: &Cluster,
    source: &mut DeclaredSource,
    query: &mut Query,
    since: Option<Timestamp>,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let topic = &source.declaration().name.clone();
    let parts = parts(cluster, topic, since).await?;
    let (done, _progress) = progress(&parts);
    for (partition, OffsetRange { start, end }) in Partition::all().zip(parts) {
        if start >= end {
            continue;
        }
        let mut records = cluster
            .records(topic, partition, Start::Offset(start), Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            let record = record.with_context(|| format!("reading `{topic}-{partition}`"))?;
            counts.add(source, query, &record, partition, since)?;
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Returns the records of each partition that must be read: from an offset before which no record can have an event
/// time from `since` on, to the current end.
pub(super) async fn parts(
    cluster: &Cluster,
    topic: &str,
    since: Option<Timestamp>,
) -> anyhow::Result<Vec<OffsetRange>> {
    let mut parts = Vec::new();
    for partition in Partition::of(cluster.partition_count(topic).await?) {
        let part = bounds(cluster, topic, partition, since).await;
        parts.push(part.with_context(|| format!("reading `{topic}-{partition}`"))?);
    }
    Ok(parts)
}

/// Shows the progress of reading these records, as long as the second value exists. The first one counts them.
pub(super) fn progress(parts: &[OffsetRange]) -> (Arc<AtomicU64>, Progress) {
    let done = Arc::new(AtomicU64::new(0));
    let shown = Arc::clone(&done);
    let total = parts
        .iter()
        .map(|part| part.end.0.abs_diff(part.start.0))
        .sum();
    let progress = Progress::start("sql", "records", move || Done {
        done: shown.load(Ordering::Relaxed),
        total,
    });
    (done, progress)
}

async fn bounds(
    cluster: &Cluster,
    topic: &str,
    partition: Partition,
    since: Option<Timestamp>,
) -> anyhow::Result<OffsetRange> {
    let all = cluster.offsets(topic, partition).await?;
    let (OffsetRange { start: first, end }, Some(since)) = (all, since) else {
        return Ok(all);
    };
    let earliest_ms = since.plus_ms(-AHEAD_MS).as_millis();
    let mut back = SEARCH_FROM;
    loop {
        let start = Offset(end.0.saturating_sub(back));
        if start <= first {
            return Ok(all);
        }
        let mut records = cluster
            .records(topic, partition, Start::Offset(start), Mode::UntilEnd)
            .await?;
        let found = records.next().await.transpose()?;
        let is_old = |record: &Record| record.timestamp_ms.is_some_and(|ms| ms < earliest_ms);
        if found.as_ref().is_some_and(is_old) {
            return Ok(OffsetRange { start, end });
        }
        back = back.saturating_mul(SEARCH_FACTOR);
    }
}
