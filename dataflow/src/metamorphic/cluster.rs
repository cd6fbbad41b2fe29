//! The topics that outlive the runner, and the course of events around it.

use model::Timestamp;
use serde::Deserialize;

use super::TICK_MS;
use super::runner::Runner;
use super::scripts::{Script, Settings, Step};
use crate::checkpoint::Checkpoint;
use crate::testing::{DistinctTicks, partial_of};

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
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    #[serde(skip)]
    pub(super) key: String,
    #[serde(rename = "window_start", deserialize_with = "millis")]
    pub(super) window_start: i64,
    pub(super) values: Vec<String>,
    pub(super) revision: u32,
}

fn millis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Timestamp::deserialize(deserializer).map(|time| time.as_millis())
}

/// The durable topics.
#[derive(Debug)]
pub(super) struct Topics {
    pub(super) source: Vec<Vec<Batch>>,
    /// How many batches of each partition can be read so far.
    pub(super) produced: Vec<usize>,
    pub(super) derived: [Vec<(String, Vec<u8>)>; 2],
    pub(super) rejected: Vec<(usize, i64)>,
    pub(super) late: Vec<(usize, i64, Timestamp)>,
    pub(super) checkpoint: Checkpoint,
    writes_left: Option<u32>,
}

impl Topics {
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
}

pub(super) struct Cluster {
    settings: Settings,
    topics: Topics,
    runner: Runner,
}

impl std::ops::Deref for Cluster {
    type Target = Topics;

    fn deref(&self) -> &Topics {
        &self.topics
    }
}

impl Cluster {
    pub(super) fn of(script: &Script) -> Self {
        let source: Vec<_> = script
            .source
            .iter()
            .map(|batches| stored(batches))
            .collect();
        let topics = Topics {
            produced: vec![0; source.len()],
            source,
            derived: [Vec::new(), Vec::new()],
            rejected: Vec::new(),
            late: Vec::new(),
            checkpoint: Checkpoint::default(),
            writes_left: None,
        };
        Self {
            settings: script.settings,
            runner: Runner::recover(script.settings, &topics),
            topics,
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.topics
            .derived
            .iter()
            .flatten()
            .map(|(key, value)| Row {
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

impl Topics {
    /// Whether there was one more batch.
    fn produce(&mut self, partition: usize) -> bool {
        let more = self.produced[partition] < self.source[partition].len();
        self.produced[partition] += usize::from(more);
        more
    }
}

fn stored(batches: &[Vec<String>]) -> Vec<Batch> {
    let mut first_offset = 0;
    let mut stored = Vec::new();
    for records in batches {
        let texts: Vec<_> = records.iter().map(String::as_str).collect();
        stored.push(Batch {
            first_offset,
            records: records.clone(),
            partial: partial_of::<DistinctTicks>(first_offset, &texts),
        });
        first_offset += records.len() as i64;
    }
    stored
}
