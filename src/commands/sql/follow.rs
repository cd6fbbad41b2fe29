//! `--follow`: reads the history of a source and goes on with new records. The rows of a window are printed when the
//! watermark has passed the window, as the runner does with the default settings of a derivation.

use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use client::{
    ClientError, Cluster, Mode, Offset, OffsetRange, Partition, Record, RecordStream, Start,
};
use dataflow::{IDLE_TIMEOUT_DEFAULT, JoinedTable, LATENESS_DEFAULT, Watermarks};
use futures_util::StreamExt;
use futures_util::stream::select_all;
use model::Timestamp;
use sql::{DeclaredSource, Query, WindowPlan};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::counts::Counts;
use super::history;
use super::output::Printer;

/// How often to check whether partitions are idle, and whether time without records has ended a window.
const TICK: Duration = Duration::from_millis(500);
/// How often to check whether the source has new partitions.
const PARTITIONS_INTERVAL: Duration = Duration::from_secs(30);

/// A query that is being followed.
pub(super) struct Following<'a> {
    pub(super) cluster: Cluster,
    pub(super) source: &'a mut DeclaredSource,
    pub(super) query: &'a mut Query,
    /// The table that the query joins.
    pub(super) table: Option<JoinedTable>,
    /// As in [`history::read`].
    pub(super) since: Option<Timestamp>,
    pub(super) counts: &'a mut Counts,
    pub(super) printer: &'a mut Printer,
}

/// Whether to go on.
enum Next {
    Continue,
    /// The process that reads the output has closed the pipe.
    Stop,
}

impl Following<'_> {
    /// Prints rows until the process that reads the output closes the pipe.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let topic = self.source.declaration().name.clone();
        let parts = history::parts(&self.cluster, &topic, self.since).await?;
        let mut streams = Vec::new();
        for (partition, part) in Partition::all().zip(&parts) {
            let start = Start::Offset(part.start);
            let opened = self.cluster.records(&topic, partition, start, Mode::Follow);
            streams.push(opened.await?);
        }
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reading = Reading {
            watermarks: Watermarks::new(
                millis(LATENESS_DEFAULT),
                millis(IDLE_TIMEOUT_DEFAULT),
                parts.iter().map(|_| None),
                None,
                0,
            ),
            topic,
            next: parts.iter().map(|part| part.start).collect(),
            started: Instant::now(),
            partitions_asked: Instant::now(),
            following: self,
        };
        match reading.history(&parts, &mut streams, &mut ticks).await? {
            Next::Continue => reading.live(streams, &mut ticks).await,
            Next::Stop => Ok(()),
        }
    }
}

struct Reading<'a> {
    following: Following<'a>,
    topic: String,
    watermarks: Watermarks,
    /// The offset of the next record of each partition.
    next: Vec<Offset>,
    started: Instant,
    partitions_asked: Instant,
}

impl Reading<'_> {
    /// Reads the records that exist. It always reads the partition whose event time is furthest behind, so that few
    /// windows are open, and no partition is late.
    async fn history(
        &mut self,
        parts: &[OffsetRange],
        streams: &mut [RecordStream],
        ticks: &mut Interval,
    ) -> anyhow::Result<Next> {
        // The rows show the progress on a terminal, where a progress bar would be between them.
        let progress = (!io::stdout().is_terminal()).then(|| history::progress(parts));
        while let Some(partition) = self.furthest_behind(parts) {
            let next = tokio::select! {
                record = streams[partition.index()].next() => {
                    if let Some((done, _)) = &progress {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    self.take(partition, record).await?
                }
                _ = ticks.tick() => self.tick().await?,
            };
            if matches!(next, Next::Stop) {
                return Ok(Next::Stop);
            }
        }
        Ok(Next::Continue)
    }

    /// The partition whose event time is furthest behind, of those with unread history.
    fn furthest_behind(&self, parts: &[OffsetRange]) -> Option<Partition> {
        let unread = Partition::all()
            .zip(parts.iter().zip(&self.next))
            .filter(|(_, (part, next))| **next < part.end);
        unread
            .map(|(partition, _)| partition)
            .min_by_key(|partition| self.watermarks.stream_time(*partition))
    }

    async fn live(
        &mut self,
        streams: Vec<RecordStream>,
        ticks: &mut Interval,
    ) -> anyhow::Result<()> {
        let streams = Partition::all().zip(streams);
        let mut records = select_all(
            streams
                .map(|(partition, records)| records.map(move |record| (partition, Some(record)))),
        );
        loop {
            let next = tokio::select! {
                Some((partition, record)) = records.next() => self.take(partition, record).await?,
                _ = ticks.tick() => self.tick().await?,
            };
            if matches!(next, Next::Stop) {
                return Ok(());
            }
        }
    }

    async fn take(
        &mut self,
        partition: Partition,
        record: Option<Result<Record, ClientError>>,
    ) -> anyhow::Result<Next> {
        let reading = || format!("reading `{}-{partition}`", self.topic);
        let record = record
            .context("the stream has ended")
            .with_context(reading)?
            .with_context(reading)?;
        self.next[partition.index()] = record.offset.next();
        let Following {
            source,
            query,
            since,
            counts,
            ..
        } = &mut self.following;
        let time = counts.add(source, query, &record, partition, *since)?;
        let ingest = record.timestamp_ms.map(Timestamp::from_millis);
        let stream_time = time.map(|time| ingest.map_or(time, |ingest| time.min(ingest)));
        self.watermarks.heard(partition, stream_time, self.now_ms());
        self.close().await
    }

    /// Prints the rows of the windows that are over.
    async fn close(&mut self) -> anyhow::Result<Next> {
        let Some(watermark) = self.watermarks.advance(self.now_ms()) else {
            return Ok(Next::Continue);
        };
        let Following {
            query,
            table,
            printer,
            ..
        } = &mut self.following;
        let mut table = table.as_mut().filter(|_| query.is_due(watermark));
        if let Some(table) = &mut table {
            table.catch_up().await?;
        }
        let rows = query.close(watermark);
        if let (Some(table), WindowPlan::Hopping { size_ms, .. }) = (table, query.plan().window) {
            table.forget_before(watermark.plus_ms(-size_ms));
        }
        if rows.is_empty() || printer.print(query.plan(), &rows)? {
            Ok(Next::Continue)
        } else {
            Ok(Next::Stop)
        }
    }

    async fn tick(&mut self) -> anyhow::Result<Next> {
        for partition in self.watermarks.silent(self.now_ms()) {
            match self.following.cluster.offsets(&self.topic, partition).await {
                Ok(OffsetRange { start, end }) => {
                    let next = &mut self.next[partition.index()];
                    *next = (*next).max(start); // retention can remove records that have not been read
                    if *next >= end {
                        self.watermarks.set_idle(partition);
                    }
                }
                Err(error) if error.is_retryable() => {} // asked again at the next tick
                Err(error) => return Err(error.into()),
            }
        }
        if self.partitions_asked.elapsed() >= PARTITIONS_INTERVAL {
            self.partitions_asked = Instant::now();
            self.look_for_partitions().await?;
        }
        self.close().await
    }

    async fn look_for_partitions(&self) -> anyhow::Result<()> {
        let topic = &self.topic;
        match self.following.cluster.partition_count(topic).await {
            Ok(count) if count as usize == self.next.len() => Ok(()),
            Ok(count) => bail!("`{topic}` now has {count} partitions; start the command again"),
            Err(error) if error.is_retryable() => Ok(()), // asked again later
            Err(error) => Err(error.into()),
        }
    }

    fn now_ms(&self) -> i64 {
        millis(self.started.elapsed())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
