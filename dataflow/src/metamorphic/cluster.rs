//! The topics that outlive the runner, and the course of events around it.

use std::collections::{BTreeMap, BTreeSet};

use model::{RecordKey, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::TICK_MS;
use super::course::{Course, Place};
use super::kinds::Kind;
use super::runner::Runner;
use super::scripts::{Script, Settings, Step};
use crate::checkpoint::Checkpoint;

/// Longer than any lateness, timeout or window of the scripts.
const LONG_MS: i64 = 1_000_000;

/// The runner was killed.
#[derive(Debug)]
pub(super) struct Killed;

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first_offset: i64,
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
    #[serde(flatten)]
    pub(super) measures: BTreeMap<String, Value>,
}

fn millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Timestamp::deserialize(deserializer).map(|time| time.as_millis())
}

/// A record of `late-events`.
#[derive(Clone, Debug)]
pub(super) struct Late {
    pub(super) place: Place,
    pub(super) time: Timestamp,
    pub(super) key: RecordKey,
}

/// What a checkpoint says of a snapshot.
#[derive(Clone, Debug)]
pub(super) struct SnapshotAt {
    pub(super) parts: std::ops::Range<usize>,
    pub(super) next_offsets: Vec<i64>,
    pub(super) course: Course,
}

/// The durable topics.
#[derive(Debug)]
pub(super) struct Topics {
    pub(super) source: Vec<Vec<Batch>>,
    /// How many batches of each partition can be read so far.
    pub(super) produced: Vec<usize>,
    pub(super) derived: [Vec<(String, Vec<u8>)>; 2],
    pub(super) rejected: Vec<Place>,
    pub(super) late: Vec<Late>,
    pub(super) checkpoint: Checkpoint,
    /// The snapshot that the checkpoint names.
    pub(super) named: Option<SnapshotAt>,
    pub(super) snapshots: Vec<Vec<u8>>,
    /// Retention has removed the snapshots' parts before this one.
    pub(super) snapshots_start: usize,
    /// Windows that the checkpoint has left behind, and the records that came in time for them.
    pub(super) left: BTreeMap<i64, BTreeSet<Place>>,
    writes_left: Option<u32>,
}

impl Topics {
    fn of(script: &Script) -> Self {
        let kind = script.settings.kind;
        let source = script.source.iter();
        let source: Vec<_> = source.map(|batches| stored(kind, batches)).collect();
        Self {
            produced: vec![0; source.len()],
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

    /// To be asked before every write: whether the runner still lives.
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

    pub(super) fn derived_ends(&self) -> Vec<i64> {
        self.derived.iter().map(|rows| rows.len() as i64).collect()
    }

    /// Whether there was one more batch.
    fn produce(&mut self, partition: usize) -> bool {
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
        let (topics, runner) = (&mut self.topics, &mut self.runner);
        let lived = match *step {
            Step::Produce(partition) => {
                topics.produce(partition % partitions);
                Ok(())
            }
            Step::Deliver(partition) => runner.deliver(topics, partition % partitions),
            Step::Repeat(partition) => runner.repeat(topics, partition % partitions),
            Step::Wait(ms) => runner.wait(topics, ms),
            Step::Correct => runner.close(topics, true),
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

    /// The rest of the source is produced and read.
    pub(super) fn read_all(&mut self) {
        for partition in 0..self.topics.source.len() {
            while self.topics.produce(partition) {}
            while self.runner.has_more(&self.topics, partition) {
                self.step(&Step::Deliver(partition));
            }
        }
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.step(&Step::Wait(ms));
    }

    /// Everything is read, all windows are closed and forgotten; then once more after a restart.
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
    let mut first_offset = 0;
    let mut stored = Vec::new();
    for records in batches {
        stored.push(Batch {
            first_offset,
            records: records.clone(),
            partial: kind.partial(first_offset, records),
        });
        first_offset += records.len() as i64;
    }
    stored
}
