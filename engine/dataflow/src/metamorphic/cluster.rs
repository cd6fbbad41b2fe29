//! A simulated cluster: its durable topics, and everything that happens to them and to the runner.

use std::collections::{BTreeMap, BTreeSet};

use client::{Offset, OffsetRange, Partition, PartitionOffset};
use model::fold::SourceRecord;
use model::{RecordKey, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::TICK_MS;
use super::kinds::Kind;
use super::merge_history::MergeHistory;
use super::replay;
use super::runner::Runner;
use super::scripts::{Script, Settings, Step};
use crate::durable::checkpoint::{Checkpoint, OutputEnds};
use crate::durable::source_log::ReadTo;
use crate::output::lateness::Located;
use crate::sink::counts::Counts;
use crate::windows::Due;

/// Longer than any lateness, timeout or window in the scripts, in milliseconds.
const LONG_MS: i64 = 1_000_000;

/// Means that the runner has been killed, by [`Step::Kill`] or before a write.
#[derive(Debug)]
pub(super) struct Killed;

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first_offset: Offset,
    pub(super) records: Vec<String>,
    pub(super) partial: Vec<u8>,
}

/// A derived record as a consumer sees it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Row {
    #[serde(skip)]
    pub(super) key: String,
    #[serde(deserialize_with = "millis")]
    pub(super) window_start: i64,
    #[serde(deserialize_with = "millis")]
    pub(super) window_end: i64,
    pub(super) revision: u32,
    #[serde(default)]
    pub(super) withdrawn: bool,
    #[serde(default, rename = "final")]
    pub(super) is_final: Option<bool>,
    #[serde(flatten)]
    pub(super) measures: BTreeMap<String, Value>,
}

fn millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Timestamp::deserialize(deserializer).map(|time| time.as_millis())
}

/// A record of `late-events`.
#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) at: PartitionOffset,
    pub(super) time: Timestamp,
    pub(super) key: Option<RecordKey>,
}

impl Late {
    pub(super) fn new(at: PartitionOffset, event: &Located) -> Self {
        Self {
            at,
            time: event.time,
            key: event.only_key().cloned(),
        }
    }
}

/// A snapshot that a checkpoint refers to.
#[derive(Clone, Debug)]
pub(super) struct SnapshotAt {
    pub(super) parts: std::ops::Range<usize>,
    pub(super) next_offsets: Vec<Offset>,
    pub(super) history: MergeHistory,
}

/// The durable topics.
#[derive(Debug)]
pub(super) struct Topics {
    pub(super) source: Vec<Vec<Batch>>,
    /// For each partition, the number of batches that the runner can read so far.
    pub(super) produced: Vec<usize>,
    /// For each partition, the first offset that retention has not removed.
    pub(super) first: Vec<Offset>,
    /// The keys and values in each partition of the derived topic.
    pub(super) derived: [Vec<(String, Vec<u8>)>; 2],
    pub(super) rejected: Vec<PartitionOffset>,
    pub(super) late: Vec<Late>,
    pub(super) checkpoint: Checkpoint,
    /// The snapshot that the checkpoint refers to.
    pub(super) named: Option<SnapshotAt>,
    pub(super) snapshots: Vec<Vec<u8>>,
    /// Retention has removed the snapshot parts before this index.
    pub(super) snapshots_start: usize,
    /// The windows that the last checkpoint no longer needs, by their start, with the records that arrived in time
    /// for each.
    pub(super) left: BTreeMap<i64, BTreeSet<PartitionOffset>>,
    /// The number of writes until the runner is killed; `None` if no kill is planned.
    writes_left: Option<u32>,
}

impl Topics {
    fn of(script: &Script) -> Self {
        let kind = script.settings.kind;
        let source = script.source.iter();
        let source: Vec<_> = source.map(|batches| stored(kind, batches)).collect();
        Self {
            produced: vec![0; source.len()],
            first: vec![Offset::ZERO; source.len()],
            source,
            derived: [Vec::new(), Vec::new()],
            rejected: Vec::new(),
            late: Vec::new(),
            checkpoint: Checkpoint::default(),
            named: None,
            snapshots: Vec::new(),
            snapshots_start: 0,
            left: BTreeMap::new(),
            writes_left: None,
        }
    }

    /// Must be called before every write. Returns an error if the runner is killed at this point.
    pub(super) fn before_write(&mut self) -> Result<(), Killed> {
        match &mut self.writes_left {
            None => Ok(()),
            Some(0) => Err(Killed),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    pub(super) fn derived_ends(&self) -> Vec<Offset> {
        let ends = self.derived.iter().map(|rows| rows.len() as i64);
        ends.map(Offset).collect()
    }

    /// Whether the partition still contains the log that was read up to `read_to`.
    pub(super) fn holds(&self, partition: Partition, read_to: ReadTo) -> bool {
        let batches = &self.source[partition.index()][..self.produced[partition.index()]];
        let records: Vec<_> = batches.iter().flat_map(|batch| &batch.records).collect();
        let offsets = OffsetRange {
            start: self.first[partition.index()],
            end: Offset(records.len() as i64),
        };
        let record_at = |offset: Offset| {
            let value = records[offset.0 as usize].as_bytes();
            SourceRecord::new(offset.0, None, value).fingerprint()
        };
        read_to.verify(offsets, record_at).is_ok()
    }

    /// The partitions of the source.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        Partition::all().take(self.source.len())
    }

    /// The end offset of a partition, as far as it has been produced.
    pub(super) fn end(&self, partition: Partition) -> Offset {
        self.source[partition.index()][..self.produced[partition.index()]]
            .last()
            .map_or(Offset::ZERO, |batch| {
                batch.first_offset + batch.records.len() as i64
            })
    }

    /// Makes the next batch of the partition readable. Returns whether there was one.
    fn produce(&mut self, partition: Partition) -> bool {
        let partition = partition.index();
        let more = self.produced[partition] < self.source[partition].len();
        self.produced[partition] += usize::from(more);
        more
    }
}

pub(super) struct Cluster {
    pub(super) settings: Settings,
    topics: Topics,
    pub(super) runner: Runner,
}

impl std::ops::Deref for Cluster {
    type Target = Topics;

    fn deref(&self) -> &Topics {
        &self.topics
    }
}

impl Cluster {
    pub(super) fn of(script: &Script) -> Self {
        let topics = Topics::of(script);
        Self {
            settings: script.settings,
            runner: Runner::recover(script.settings, &topics),
            topics,
        }
    }

    /// Creates a cluster whose derived topic was written by a replay of the whole source.
    pub(super) fn replayed(script: &Script) -> Self {
        let mut cluster = Self::of(script);
        for partition in cluster.topics.partitions() {
            while cluster.topics.produce(partition) {}
        }
        replay::run(
            script.settings,
            &mut cluster.topics,
            &mut cluster.runner.history,
        );
        cluster
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let rows = self.topics.derived.iter().flatten();
        rows.map(|(key, value)| Row {
            key: key.clone(),
            ..serde_json::from_slice(value).expect("a derived record")
        })
    }

    pub(super) fn run(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.step(step));
        self.topics.writes_left = None;
    }

    fn step(&mut self, step: &Step) {
        let partitions = self.topics.source.len();
        let of = |number: usize| Partition((number % partitions) as u32);
        let (topics, runner) = (&mut self.topics, &mut self.runner);
        let lived = match *step {
            Step::Produce(partition) => {
                topics.produce(of(partition));
                Ok(())
            }
            Step::Deliver(partition) => runner.deliver(topics, of(partition)),
            Step::Repeat(partition) => runner.repeat(topics, of(partition)),
            Step::Wait(ms) => runner.wait(topics, ms),
            Step::Correct => runner.close(topics, Due::CORRECTIONS),
            Step::Early => runner.emit_early(topics),
            Step::Save => runner.save_if_whole(topics),
            Step::Snapshot => {
                runner.wants_snapshot();
                Ok(())
            }
            Step::LoseSnapshots => {
                topics.snapshots_start = topics.snapshots.len();
                Ok(())
            }
            Step::KillAfter(writes) => {
                topics.writes_left = Some(writes);
                Ok(())
            }
            Step::Kill => Err(Killed),
        };
        if let Err(Killed) = lived {
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.topics.writes_left = None;
        self.runner = Runner::recover(self.settings, &self.topics);
    }

    /// Produces and reads the rest of the source.
    pub(super) fn read_all(&mut self) {
        for partition in self.topics.partitions() {
            while self.topics.produce(partition) {}
            while self.runner.has_more(&self.topics, partition) {
                self.step(&Step::Deliver(partition.index()));
            }
        }
    }

    /// Replaces the source with another log and makes all of it readable.
    pub(super) fn replace_source(&mut self, source: &[Vec<Vec<String>>]) {
        let kind = self.settings.kind;
        self.topics.source = source.iter().map(|batches| stored(kind, batches)).collect();
        self.topics.produced = source.iter().map(Vec::len).collect();
    }

    /// Removes the first batches of a partition, as retention does, if they have been produced.
    pub(super) fn evict(&mut self, partition: Partition, batches: usize) {
        let produced =
            &self.topics.source[partition.index()][..self.topics.produced[partition.index()]];
        let evicted = produced.iter().take(batches);
        let first = evicted.map(|batch| batch.records.len() as i64).sum();
        let before = &mut self.topics.first[partition.index()];
        *before = (*before).max(Offset(first));
    }

    /// Removes the last batches of a partition, as if its server had lost the end of the log.
    pub(super) fn shorten_source(&mut self, partition: Partition, batches: usize) {
        let produced = &mut self.topics.produced[partition.index()];
        *produced = produced.saturating_sub(batches);
        self.topics.source[partition.index()].truncate(*produced);
    }

    /// Whether the source is recognized as the log that was read, both by the runner when it reconnects and by a
    /// restarted runner.
    pub(super) fn is_recognized(&self) -> bool {
        let live = self.runner.recognizes(&self.topics);
        let restarted = Runner::recover(self.settings, &self.topics).recognizes(&self.topics);
        live && restarted
    }

    /// Resets the derivation. Returns a cluster with the same source, whose output topics contain only what
    /// is written after the reset.
    pub(super) fn reset(mut self) -> Self {
        let partitions = self.topics.source.len() as u32;
        let mut topics = self.topics;
        topics.checkpoint = topics
            .checkpoint
            .for_another_log(partitions, OutputEnds::default());
        for partition in &mut topics.checkpoint.partitions {
            partition.counts = Counts::default(); // the checks cover only the new log
        }
        topics.derived = [Vec::new(), Vec::new()];
        (topics.rejected, topics.late) = (Vec::new(), Vec::new());
        topics.named = None;
        topics.left = BTreeMap::new();
        topics.writes_left = None;
        self.runner = Runner::recover(self.settings, &topics);
        Self { topics, ..self }
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.step(&Step::Wait(ms));
    }

    /// Reads the whole source, closes and forgets all windows, and restarts the runner; then does all this once more.
    pub(super) fn finish(&mut self) {
        for _ in 0..2 {
            self.read_all();
            self.wait(LONG_MS);
            self.wait(TICK_MS);
            self.step(&Step::Save);
            self.restart();
        }
    }
}

fn stored(kind: Kind, batches: &[Vec<String>]) -> Vec<Batch> {
    let mut first_offset = Offset::ZERO;
    let mut stored = Vec::new();
    for batch in batches {
        let (ingest_ms, records): (Vec<_>, Vec<_>) =
            batch.iter().map(|text| ingested(text)).unzip();
        stored.push(Batch {
            first_offset,
            partial: kind.partial(first_offset.0, &ingest_ms, &records),
            records,
        });
        first_offset = first_offset + batch.len() as i64;
    }
    stored
}

/// Splits a text `@MILLISECONDS RECORD` into the ingest time and the record. Without `@` there is no ingest
/// time.
fn ingested(text: &str) -> (Option<i64>, String) {
    let parts = text.strip_prefix('@').and_then(|text| text.split_once(' '));
    match parts {
        Some((ms, record)) => (ms.parse().ok(), record.to_owned()),
        None => (None, text.to_owned()),
    }
}
