//! Runs versions of rules side by side over the history in the source, without writing any records. As in a replay,
//! the next batch is read from the partition whose event time has advanced least. So no partition gets far ahead of
//! the others, and memory contains only a small part of the history.

use std::collections::BTreeMap;

use client::{Mode, Offset, OffsetRange, Partition, Record, RecordStream, Start};
use futures_util::StreamExt;
use model::Timestamp;
use model::fold::SourceRecord;

use super::{RuleStore, RulesError, publishing};
use crate::offline::{DerivedRecord, Offline};
use crate::progress::Progress;
use crate::spec::rule_set::{MAP_VERSION, RuleSet};
use crate::watermarks;

/// The number of records folded at a time, about the size of a busy producer's batch.
const BATCH: usize = 500;
/// The bisection of [`RuleStore::first_since`] stops when at most this many records are left, because reading them
/// takes less time than another step.
const SEARCH_MIN: i64 = 2_000;

/// The counts and times of the records that a backtest has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BacktestRead {
    /// The number of records.
    pub records: u64,
    /// Records that are not valid events.
    pub rejected: u64,
    /// For each version, the number of records that were late or did not fit into memory. Every version has the same
    /// late records.
    pub late: Vec<u64>,
    /// The smallest event time among the first batches of all partitions.
    pub first_time: Option<Timestamp>,
    /// The greatest event time. If an event's ingest time is earlier than its event time, the ingest time is used.
    pub last_time: Option<Timestamp>,
}

impl RuleStore {
    /// The version in force, or a newer one that comes into force as soon as a runner reads it; `None` if the
    /// parameters in the dataflow file apply.
    pub async fn current(&self) -> Result<Option<RuleSet>, RulesError> {
        Ok(publishing::in_force(self.list().await?))
    }

    /// Builds a version from these parameters, as the successor of `current`. Returns an error if the
    /// derivation would not accept it.
    pub fn candidate(
        &self,
        parameters: BTreeMap<String, String>,
        current: Option<&RuleSet>,
    ) -> Result<RuleSet, RulesError> {
        let newest = current.map_or(MAP_VERSION, |current| current.version);
        let rules = RuleSet {
            version: newest.saturating_add(1),
            parameters,
            comment: None,
        };
        rules.check(newest, &self.spec, &self.registration)?;
        Ok(rules)
    }

    /// Runs each version, from empty state, over the records that were ingested from `since` on. In `versions`, `None`
    /// means the parameters in the dataflow file. Calls `take` with each record that a version would have written, and
    /// with the version's index in `versions`.
    pub async fn backtest(
        &self,
        versions: &[Option<&RuleSet>],
        since: Timestamp,
        progress: &Progress,
        mut take: impl FnMut(usize, DerivedRecord) -> Result<(), serde_json::Error>,
    ) -> Result<BacktestRead, RulesError> {
        let mut histories = Vec::new();
        for partition in Partition::of(self.cluster.partition_count(&self.spec.from).await?) {
            histories.push(self.open_history(partition, since, progress).await?);
        }
        let mut keyed = Vec::new();
        for version in versions {
            keyed.push(self.keyed(*version, histories.len())?);
        }
        let lateness_ms = self.spec.lateness.as_millis() as i64;
        let mut read = BacktestRead::default();
        while let Some(partition) = slowest(&histories) {
            let history = &mut histories[partition.index()];
            let batch = history.next_batch(since).await?;
            progress.add_done(batch.len() as u64);
            merge(partition, &batch, &mut keyed, history, &mut read);
            let open = histories.iter().filter(|history| !history.is_over);
            let times = open.map(|history| history.stream_time);
            let Some(watermark) = watermarks::least(times, lateness_ms) else {
                continue;
            };
            for (index, machine) in keyed.iter_mut().enumerate() {
                for row in machine.advance(watermark)? {
                    take(index, row)?;
                }
            }
        }
        for (index, machine) in keyed.into_iter().enumerate() {
            read.late.push(machine.late());
            for row in machine.finish()? {
                take(index, row)?;
            }
        }
        Ok(read)
    }

    /// Creates the offline run of a version. As in a runner, where the SmartModule executes the fold, the fold uses
    /// the parameters of the dataflow file, and only the windows use those of the version.
    fn keyed(&self, rules: Option<&RuleSet>, partitions: usize) -> Result<Offline, RulesError> {
        let (params, entries_max) = (self.spec.params(), self.spec.entries_max);
        let mut keyed = self
            .registration
            .offline_within(&params, partitions, entries_max)?;
        if let Some(rules) = rules {
            keyed.adopt(&rules.params(&self.spec))?;
        }
        Ok(keyed)
    }

    async fn open_history(
        &self,
        partition: Partition,
        since: Timestamp,
        progress: &Progress,
    ) -> Result<History, RulesError> {
        let first = self.first_since(partition, since).await?;
        let end = self.cluster.end_offset(&self.spec.from, partition).await?;
        progress.add_total(u64::try_from(end - first).unwrap_or(0));
        let records = self
            .cluster
            .records(
                &self.spec.from,
                partition,
                Start::Offset(first),
                Mode::UntilEnd,
            )
            .await?;
        Ok(History {
            records,
            stream_time: None,
            has_begun: false,
            is_over: false,
        })
    }

    /// Finds an offset at or shortly before the first record that was ingested from `since` on. Uses bisection, because
    /// ingest time roughly increases with the offset.
    async fn first_since(
        &self,
        partition: Partition,
        since: Timestamp,
    ) -> Result<Offset, RulesError> {
        let OffsetRange { start, end } = self.cluster.offsets(&self.spec.from, partition).await?;
        let (mut low, mut high) = (start, end);
        while high - low > SEARCH_MIN {
            let middle = low + (high - low) / 2;
            let mut records = self
                .cluster
                .records(
                    &self.spec.from,
                    partition,
                    Start::Offset(middle),
                    Mode::UntilEnd,
                )
                .await?;
            match records.next().await.transpose()? {
                Some(record) if !is_since(&record, since) => low = middle.next(),
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// Merges a batch into the offline run of every version.
fn merge(
    partition: Partition,
    batch: &[Record],
    keyed: &mut [Offline],
    history: &mut History,
    read: &mut BacktestRead,
) {
    read.records += batch.len() as u64;
    let mut header = None;
    for machine in keyed.iter_mut() {
        let records = batch
            .iter()
            .map(|record| SourceRecord::new(record.offset.0, record.timestamp_ms, &record.value));
        header = Some(machine.batch(partition, records));
    }
    if let Some(header) = header {
        read.rejected += header.rejected.len() as u64;
        history.stream_time = history.stream_time.max(header.stream_time);
        read.last_time = read.last_time.max(header.stream_time);
    }
    if let Some(machine) = keyed.first()
        && !std::mem::replace(&mut history.has_begun, true)
    {
        let times = batch
            .iter()
            .filter_map(|record| machine.time(&record.value));
        read.first_time = times.chain(read.first_time).min();
    }
}

/// The remaining history of one partition.
struct History {
    records: RecordStream,
    stream_time: Option<Timestamp>,
    has_begun: bool,
    is_over: bool,
}

impl History {
    /// The next records that were ingested from `since` on. Returns fewer than [`BATCH`] records only at the
    /// end.
    async fn next_batch(&mut self, since: Timestamp) -> Result<Vec<Record>, RulesError> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            match self.records.next().await.transpose()? {
                Some(record) if is_since(&record, since) => batch.push(record),
                Some(_) => {}
                None => {
                    self.is_over = true;
                    break;
                }
            }
        }
        Ok(batch)
    }
}

/// Whether the record was ingested from `since` on. A record without an ingest time is included.
fn is_since(record: &Record, since: Timestamp) -> bool {
    record
        .timestamp_ms
        .is_none_or(|time| time >= since.as_millis())
}

/// Among the partitions with records left, the one whose event time has advanced least; the first one if several are
/// equal.
fn slowest(histories: &[History]) -> Option<Partition> {
    let histories = Partition::all().zip(histories);
    watermarks::slowest(
        histories
            .filter(|(_, history)| !history.is_over)
            .map(|(partition, history)| (partition, history.stream_time)),
    )
}
