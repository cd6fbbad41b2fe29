//! The script of a simulated run: the source's batches, and the steps of the cluster and the runner.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::kinds::Kind;
use crate::windows::Bounds;

/// The difference in event time between two consecutive events, before delays, in milliseconds.
const PACE_MS: i64 = 500;
const PARTITIONS_MAX: usize = 16;
/// A memory limit that is never reached.
pub(super) const ENTRIES_MAX: usize = 1_000_000;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) kind: Kind,
    pub(super) lateness_ms: i64,
    pub(super) allowed_lateness_ms: i64,
    pub(super) idle_timeout_ms: i64,
    pub(super) entries_max: usize,
    /// Whether all events of a key are in one partition.
    pub(super) keyed: bool,
    /// Whether rows of open windows are emitted.
    pub(super) early: bool,
}

impl Settings {
    pub(super) fn bounds(&self, partitions: usize) -> Bounds {
        Bounds {
            partitions,
            allowed_lateness_ms: self.allowed_lateness_ms,
            entries_max: self.entries_max,
            early: self.early,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The next batch of a partition becomes readable.
    Produce(usize),
    /// The runner merges the next batch of a partition.
    Deliver(usize),
    /// A server sends the last merged batch of a partition again.
    Repeat(usize),
    /// This many milliseconds pass.
    Wait(i64),
    /// The runner emits corrections.
    Correct,
    /// The runner emits rows of open windows.
    Early,
    /// The runner makes a checkpoint.
    Save,
    /// The runner makes a snapshot with its next checkpoint.
    Snapshot,
    /// Retention removes all snapshots so far.
    LoseSnapshots,
    /// The runner is killed after this many more writes.
    KillAfter(u32),
    Kill,
}

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) settings: Settings,
    /// The records, by partition and batch.
    pub(super) source: Vec<Vec<Vec<String>>>,
    pub(super) steps: Vec<Step>,
}

impl Script {
    pub(super) fn empty(kind: Kind) -> Self {
        let settings = Settings {
            kind,
            lateness_ms: 0,
            allowed_lateness_ms: 0,
            idle_timeout_ms: 1,
            entries_max: ENTRIES_MAX,
            keyed: false,
            early: false,
        };
        Self {
            settings,
            source: vec![Vec::new()],
            steps: Vec::new(),
        }
    }
}

/// The random properties of one source record.
#[derive(Clone, Debug)]
struct Drawn {
    partition: usize,
    /// The delay from the event's time to its arrival, as a fraction of the longest delay.
    delay: f64,
    key: u8,
    value: u8,
    bad: bool,
    ends_batch: bool,
}

impl Drawn {
    fn record(&self, time: i64) -> String {
        if self.bad {
            return "no event".to_owned();
        }
        format!("{time} key-{} {}", self.key, self.value)
    }
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let event = (
        0..PARTITIONS_MAX,
        prop_oneof![3 => Just(0.0), 2 => 0.0..0.2, 1 => 0.0..1.0],
        0..3_u8,
        0..12_u8,
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.4),
    )
        .prop_map(|(partition, delay, key, value, bad, ends_batch)| Drawn {
            partition,
            delay,
            key,
            value,
            bad,
            ends_batch,
        });
    vec(event, 0..70)
}

fn settings(kind: Kind, lateness_ms: Range<i64>) -> impl Strategy<Value = Settings> {
    // Half of the values are multiples of `PACE_MS`, so that watermarks coincide with events.
    let round = |range: Range<i64>| {
        let steps = (range.end / PACE_MS).max(1);
        prop_oneof![range, (0..steps).prop_map(|steps| steps * PACE_MS)]
    };
    (
        round(lateness_ms),
        round(0..15_000),
        1_000..8_000_i64,
        prop::bool::ANY,
        prop::bool::ANY,
    )
        .prop_map(
            move |(lateness_ms, allowed_lateness_ms, idle_timeout_ms, keyed, early)| Settings {
                kind,
                lateness_ms,
                allowed_lateness_ms,
                idle_timeout_ms,
                entries_max: ENTRIES_MAX,
                keyed,
                early,
            },
        )
}

/// Groups the records of each partition into batches, in the order in which they are produced.
fn batches(
    partitions: usize,
    records: impl IntoIterator<Item = (usize, String, bool)>,
) -> Vec<Vec<Vec<String>>> {
    let mut source = vec![vec![Vec::new()]; partitions];
    for (partition, record, ends_batch) in records {
        let batches: &mut Vec<Vec<String>> = &mut source[partition];
        if let Some(batch) = batches.last_mut() {
            batch.push(record);
        }
        if ends_batch {
            batches.push(Vec::new());
        }
    }
    for batches in &mut source {
        batches.retain(|batch| !batch.is_empty());
    }
    source
}

/// Scripts in which events are out of order by at most the lateness, no partition becomes idle, and the runner is not
/// killed.
pub(super) fn in_order_within_lateness(kind: Kind) -> impl Strategy<Value = Script> {
    let read = prop_oneof![
        (0..PARTITIONS_MAX).prop_map(Step::Produce),
        (0..PARTITIONS_MAX).prop_map(Step::Deliver),
        Just(Step::Correct),
    ];
    (
        1..=PARTITIONS_MAX,
        settings(kind, 0..6_000),
        drawn(),
        vec(read, 0..150),
    )
        .prop_map(|(partitions, settings, drawn, steps)| {
            let mut timed: Vec<_> = (0..).map(|index: i64| index * PACE_MS).zip(drawn).collect();
            let arrival = |time: i64, event: &Drawn| {
                time + (event.delay * settings.lateness_ms as f64) as i64
            };
            timed.sort_by_key(|(time, event)| arrival(*time, event));
            let records = timed.iter().map(|(time, event)| {
                let partition = if settings.keyed {
                    usize::from(event.key)
                } else {
                    event.partition
                };
                let record = event.record(*time);
                (partition % partitions, record, event.ends_batch)
            });
            Script {
                settings,
                source: batches(partitions, records),
                steps,
            }
        })
}

/// Two copies of a script of [`in_order_within_lateness`]: one with the true event times, one with the times that
/// each sender's clock shows. The ingest times of both are the same.
pub(super) fn by_senders(kind: Kind, skew_ms: [i64; 3]) -> impl Strategy<Value = (Script, Script)> {
    in_order_within_lateness(kind).prop_map(move |script| {
        let by_clock = |skew_ms: [i64; 3]| {
            let mut script = script.clone();
            for batch in script.source.iter_mut().flatten() {
                batch
                    .iter_mut()
                    .for_each(|text| *text = by_clock(text, skew_ms));
            }
            script
        };
        (by_clock([0; 3]), by_clock(skew_ms))
    })
}

/// Returns the record as its sender writes it if the senders' clocks are wrong by `skew_ms`, preceded by its ingest
/// time.
fn by_clock(text: &str, skew_ms: [i64; 3]) -> String {
    let Some((time, rest)) = text.split_once(" key-") else {
        return text.to_owned();
    };
    let time: i64 = time.parse().expect("a time");
    let sender: usize = rest[..1].parse().expect("a sender");
    format!("@{time} {} key-{rest}", time + skew_ms[sender])
}

/// Scripts with all kinds of steps. Either all records with the same key are in one partition, as in a keyed topic, or
/// all records with the same value are. So two equal records are in the same partition, and the reading order does not
/// affect which of them is the duplicate.
pub(super) fn with_crashes(kind: Kind) -> impl Strategy<Value = Script> {
    let room = prop_oneof![5 => Just(ENTRIES_MAX), 1 => 1..12_usize];
    let script = (1..=PARTITIONS_MAX).prop_flat_map(move |partitions| wild(kind, partitions, 1));
    (script, room).prop_map(move |(mut script, room)| {
        // For tumbling and hopping windows, separate tests cover entries that do not fit into memory.
        if matches!(kind, Kind::Sessions | Kind::Followed) {
            script.settings.entries_max = room;
        }
        script
    })
}

/// Scripts with one partition and without [`Step::Wait`], so that only the source determines which events are late.
pub(super) fn one_partition(kind: Kind) -> impl Strategy<Value = Script> {
    wild(kind, 1, 0)
}

fn wild(kind: Kind, partitions: usize, waits: u32) -> impl Strategy<Value = Script> {
    const LATEST_MS: f64 = 30_000.0;
    let partition = || 0..partitions;
    let step = prop_oneof![
        20 => partition().prop_map(Step::Produce),
        30 => partition().prop_map(Step::Deliver),
        2 => partition().prop_map(Step::Repeat),
        3 * waits => (0..10_000_i64).prop_map(Step::Wait),
        6 => prop_oneof![Just(Step::Correct), Just(Step::Early)],
        3 => Just(Step::Save),
        2 => Just(Step::Snapshot),
        1 => Just(Step::LoseSnapshots),
        3 => (0..8_u32).prop_map(Step::KillAfter),
        1 => Just(Step::Kill),
    ];
    let script = (settings(kind, 0..3_000), drawn(), vec(step, 0..200));
    script.prop_map(move |(settings, drawn, steps)| {
        let records = (0..).zip(&drawn).map(|(index, event): (i64, _)| {
            let time = (index * PACE_MS - (event.delay * LATEST_MS) as i64).max(0);
            let by = if settings.keyed {
                event.key
            } else {
                event.value
            };
            (
                usize::from(by) % partitions,
                event.record(time),
                event.ends_batch,
            )
        });
        Script {
            settings,
            source: batches(partitions, records),
            steps,
        }
    })
}
