//! Reads the records of a source from a point in time to the current end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use client::{Cluster, Mode, Offset, OffsetRange, Partition, Record, Start};
use futures_util::StreamExt;
use model::{Reason, Timestamp};
use sql::{DeclaredSource, Query};

use super::admission;
use crate::progress::{Done, Progress};

/// How much earlier than the first event time to start, in ingest time: a sender's clock can be ahead of the cluster's.
const AHEAD_MS: i64 = 10 * 60_000;
/// The number of records before the end at which the search for the first one begins.
const SEARCH_FROM: i64 = 1_000;
/// The factor by which the search goes back in each step.
const SEARCH_FACTOR: i64 = 8;

/// How many records have been read.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Records that fit the columns, and whose event time counts.
    pub(super) accepted: u64,
    /// Records that are too early: by their event time, or by their ingest time if they do not fit the columns.
    pub(super) early: u64,
    /// Records that do not fit the columns, by reason: their number, and the place of the first one.
    pub(super) rejected: BTreeMap<Reason, (u64, String)>,
}

/// Adds to a query the records whose event time is at least `since`, or all of them.
pub(super) async fn read(
    cluster: &Cluster,
    source: &mut DeclaredSource,
    query: &mut Query,
    since: Option<Timestamp>,
) -> anyhow::Result<Counts> {
    let topic = &source.declaration().name.clone();
    let mut parts = Vec::new();
    for partition in Partition::of(cluster.partition_count(topic).await?) {
        let (start, end) = bounds(cluster, topic, partition, since)
            .await
            .with_context(|| format!("reading `{topic}-{partition}`"))?;
        parts.push((partition, start, end));
    }
    let done = Arc::new(AtomicU64::new(0));
    let count = |(_, start, end): &(Partition, Offset, Offset)| end.0.abs_diff(start.0);
    let total = parts.iter().map(count).sum();
    let shown = Arc::clone(&done);
    let _progress = Progress::start("sql", "records", move || Done {
        done: shown.load(Ordering::Relaxed),
        total,
    });
    let mut counts = Counts::default();
    for (partition, start, end) in parts {
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
    Ok(counts)
}

impl Counts {
    fn add(
        &mut self,
        source: &mut DeclaredSource,
        query: &mut Query,
        record: &Record,
        partition: Partition,
        since: Option<Timestamp>,
    ) -> anyhow::Result<()> {
        match admission::read(source, record) {
            Ok(read) if since.is_none_or(|since| read.time >= since) => {
                self.accepted += 1;
                query.add(read)?;
            }
            Ok(_) => self.early += 1,
            // Without an event time, the ingest time decides whether the record counts.
            Err(_) if is_before(record, since) => self.early += 1,
            Err(rejection) => {
                let place = || {
                    let topic = &source.declaration().name;
                    format!(
                        "`{topic}-{partition}` at offset {}: `{}`",
                        record.offset, rejection.subject
                    )
                };
                let (count, _) = self
                    .rejected
                    .entry(rejection.reason)
                    .or_insert_with(|| (0, place()));
                *count += 1;
            }
        }
        Ok(())
    }
}

fn is_before(record: &Record, since: Option<Timestamp>) -> bool {
    let ingest = record.timestamp_ms.map(Timestamp::from_millis);
    since
        .zip(ingest)
        .is_some_and(|(since, ingest)| ingest < since)
}

/// Returns an offset before which no record can have an event time from `since` on, and the offset after the last
/// record.
async fn bounds(
    cluster: &Cluster,
    topic: &str,
    partition: Partition,
    since: Option<Timestamp>,
) -> anyhow::Result<(Offset, Offset)> {
    let OffsetRange { start: first, end } = cluster.offsets(topic, partition).await?;
    let Some(since) = since else {
        return Ok((first, end));
    };
    let earliest_ms = since.plus_ms(-AHEAD_MS).as_millis();
    let mut back = SEARCH_FROM;
    loop {
        let start = Offset(end.0.saturating_sub(back));
        if start <= first {
            return Ok((first, end));
        }
        let mut records = cluster
            .records(topic, partition, Start::Offset(start), Mode::UntilEnd)
            .await?;
        let found = records.next().await.transpose()?;
        let is_old = |record: &Record| record.timestamp_ms.is_some_and(|ms| ms < earliest_ms);
        if found.as_ref().is_some_and(is_old) {
            return Ok((start, end));
        }
        back = back.saturating_mul(SEARCH_FACTOR);
    }
}
