//! Versions of rules side by side over the history that the source holds, without a word written.
//! Partitions are merged by event time, as a replay does, so that no more of the history is in memory
//! than the runner would hold.

use std::collections::BTreeMap;

use client::{Mode, Offsets, Record, RecordStream, Start};
use futures_util::StreamExt;
use model::Timestamp;
use model::fold::SourceRecord;

use super::{RuleBook, RuleSet, RulesError, publishing};
use crate::offline::{DerivedRecord, Offline};

/// Records that are folded at a time: about what a batch of a busy producer holds.
const BATCH: usize = 500;
/// The search for the first record stops when so few are left that reading them costs less than
/// another look.
const SEARCH_MIN: i64 = 2_000;

/// What a trial has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialRead {
    /// Records.
    pub records: u64,
    /// Those that are no events.
    pub rejected: u64,
    /// Those that came too late, or found no room; for each version the same but for the room.
    pub late: Vec<u64>,
    /// The event time of the first record.
    pub first_time: Option<Timestamp>,
    /// The greatest event time.
    pub last_time: Option<Timestamp>,
}

impl RuleBook {
    /// The version that holds now, or will as soon as a runner looks; `None` where it is the map's.
    pub async fn current(&self) -> Result<Option<RuleSet>, RulesError> {
        Ok(publishing::in_force(self.list().await?))
    }

    /// Whether the derivation would take these as the version after `current`.
    pub fn candidate(
        &self,
        parameters: BTreeMap<String, String>,
        current: Option<&RuleSet>,
    ) -> Result<RuleSet, RulesError> {
        let newest = current.map_or(super::MAP_VERSION, |current| current.version);
        let rules = RuleSet {
            version: newest.saturating_add(1),
            parameters,
            comment: None,
        };
        rules.check(newest, &self.spec, &self.registration)?;
        Ok(rules)
    }

    /// Runs each version (`None` is the map's) over the records that were ingested from `since` on,
    /// and hands what it would have written to `take`, with the version's place in `versions`. Each
    /// begins knowing nothing.
    pub async fn try_out(
        &self,
        versions: &[Option<&RuleSet>],
        since: Timestamp,
        mut take: impl FnMut(usize, DerivedRecord) -> Result<(), serde_json::Error>,
    ) -> Result<TrialRead, RulesError> {
        let mut histories = Vec::new();
        for partition in 0..self.cluster.partition_count(&self.spec.from).await? {
            histories.push(self.open_history(partition, since).await?);
        }
        let mut machines = Vec::new();
        for version in versions {
            machines.push(self.machines(*version, histories.len())?);
        }
        let lateness_ms = self.spec.lateness.as_millis() as i64;
        let mut read = TrialRead::default();
        while let Some(partition) = furthest_behind(&histories) {
            let history = &mut histories[partition];
            let batch = history.next_batch(since).await?;
            merge(partition, &batch, &mut machines, history, &mut read);
            let Some(watermark) = watermark(&histories, lateness_ms) else {
                continue;
            };
            for (index, machine) in machines.iter_mut().enumerate() {
                for row in machine.advance(watermark)? {
                    take(index, row)?;
                }
            }
        }
        for (index, machine) in machines.into_iter().enumerate() {
            read.late.push(machine.late());
            for row in machine.finish()? {
                take(index, row)?;
            }
        }
        Ok(read)
    }

    /// A version as the runner would go by it: the SmartModule's half keeps the map's parameters.
    fn machines(&self, rules: Option<&RuleSet>, partitions: usize) -> Result<Offline, RulesError> {
        let (params, entries_max) = (self.spec.params(), self.spec.entries_max);
        let mut machines = self
            .registration
            .offline_within(&params, partitions, entries_max)?;
        if let Some(rules) = rules {
            machines.adopt(&rules.params(&self.spec))?;
        }
        Ok(machines)
    }

    async fn open_history(&self, partition: u32, since: Timestamp) -> Result<History, RulesError> {
        let first = self.first_since(partition, since).await?;
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
            max_event_time: None,
            has_begun: false,
            is_over: false,
        })
    }

    /// An offset from which on all records lie that were ingested from `since` on, with few others,
    /// found by halving: ingest time grows with the offset, near enough.
    async fn first_since(&self, partition: u32, since: Timestamp) -> Result<i64, RulesError> {
        let Offsets { start, end } = self.cluster.offsets(&self.spec.from, partition).await?;
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
                Some(record) if !is_since(&record, since) => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// Hands a batch to every version.
fn merge(
    partition: usize,
    batch: &[Record],
    machines: &mut [Offline],
    history: &mut History,
    read: &mut TrialRead,
) {
    read.records += batch.len() as u64;
    let mut header = None;
    for machine in machines.iter_mut() {
        let records = batch
            .iter()
            .map(|record| SourceRecord::new(record.offset, record.timestamp_ms, &record.value));
        header = Some(machine.batch(partition, records));
    }
    if let Some(header) = header {
        read.rejected += header.rejected.len() as u64;
        history.max_event_time = history.max_event_time.max(header.max_event_time);
        read.last_time = read.last_time.max(header.max_event_time);
    }
    if let Some(machine) = machines.first()
        && !std::mem::replace(&mut history.has_begun, true)
    {
        let times = batch
            .iter()
            .filter_map(|record| machine.time(&record.value));
        read.first_time = times.chain(read.first_time).min();
    }
}

/// What one partition holds.
struct History {
    records: RecordStream,
    max_event_time: Option<Timestamp>,
    has_begun: bool,
    is_over: bool,
}

impl History {
    /// The next records that were ingested from `since` on; fewer than [`BATCH`] only at the end.
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

/// A record that does not say when it was ingested may have been at any time.
fn is_since(record: &Record, since: Timestamp) -> bool {
    record
        .timestamp_ms
        .is_none_or(|time| time >= since.as_millis())
}

/// Of the partitions that have more, the one whose event time is least.
fn furthest_behind(histories: &[History]) -> Option<usize> {
    let open = (0..histories.len()).filter(|partition| !histories[*partition].is_over);
    open.min_by_key(|partition| histories[*partition].max_event_time)
}

/// The least event time of the partitions that have more, less the lateness.
fn watermark(histories: &[History], lateness_ms: i64) -> Option<Timestamp> {
    let open = histories.iter().filter(|history| !history.is_over);
    let least = open.map(|history| history.max_event_time).min().flatten()?;
    Some(least.plus_ms(-lateness_ms))
}
