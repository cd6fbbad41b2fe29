//! Checks every row of a fixed window against a recomputation from the source records, and every account against the
//! outcomes of the records.

use std::collections::{BTreeMap, HashMap};

use client::{Cluster, Record};
use serde_json::{Value, json};

use super::dead_letters::{DeadLetters, Position, each_record};
use super::reading::{Reasons, judge};
use super::source::Source;
use super::spill::{MINUTE_MS, Spill};
use super::tally::{Tally, hash};
use crate::dataflow_file;
use crate::oracle::{self, RECOMPUTATIONS, Recomputation, Rows};
use crate::verdict::window_end_ms;

/// If a window has more platforms than this, `active-players` lists only some of them.
const PLATFORMS_MAX: usize = 32;

/// The number of records read from one partition, and the number of rejected records by reason.
#[derive(Default)]
struct Partition {
    read: u64,
    rejected: BTreeMap<String, u64>,
}

/// The content of a source, which is read only once.
struct Sorted {
    source: Source,
    partitions: Vec<Partition>,
    events: Spill,
    recomputations: Vec<&'static Recomputation>,
}

/// The number of rows that were compared, by topic.
pub(super) type Compared = BTreeMap<&'static str, usize>;

/// Checks, for every source, the rows of windows that end by `until_ms`, the `accounting` records and the
/// dead letters.
pub(super) async fn assert_exact(
    cluster: &Cluster,
    dead_letters: &mut DeadLetters,
    tally: &Tally,
    accounts: &BTreeMap<String, Value>,
    until_ms: i64,
) -> Compared {
    let mut compared = Compared::new();
    for source in Source::ALL {
        let mut sorted = Sorted::read(cluster, source, dead_letters).await;
        let read: u64 = sorted
            .partitions
            .iter()
            .map(|partition| partition.read)
            .sum();
        assert_eq!(
            read,
            tally.records(source),
            "records of `{}`",
            source.topic()
        );
        sorted.assert_accounts(dead_letters, accounts);
        for index in 0..sorted.recomputations.len() {
            let topic = sorted.recomputations[index].topic;
            let rows = sorted.compare(cluster, index, accounts, until_ms).await;
            compared.insert(topic, rows);
        }
    }
    let left: Vec<_> = dead_letters.rejected.iter().take(5).collect();
    assert!(
        left.is_empty(),
        "rejected, but missing or an event: {left:?}"
    );
    compared
}

impl Sorted {
    async fn read(cluster: &Cluster, source: Source, dead_letters: &mut DeadLetters) -> Self {
        let of_source = RECOMPUTATIONS
            .iter()
            .filter(|one| one.source == source.topic());
        let mut sorted = Self {
            source,
            partitions: Vec::new(),
            events: Spill::new(),
            recomputations: of_source.collect(),
        };
        let mut late = HashMap::<Position, u64>::new();
        for (derivation, _) in dataflow_file::derivations()
            .iter()
            .filter(|(_, from)| *from == source.topic())
        {
            late.extend(dead_letters.late.get(*derivation).into_iter().flatten());
        }
        each_record(cluster, source.topic(), |partition, record| {
            sorted
                .partitions
                .resize_with(partition as usize + 1, Partition::default);
            if let Some(payload) = late.remove(&(partition, record.offset.0)) {
                assert_eq!(
                    payload,
                    hash(&record.value),
                    "a late payload at {partition} {}",
                    record.offset
                );
            }
            sorted.take(partition, &record, dead_letters);
        })
        .await;
        assert!(late.is_empty(), "late, but not in the source: {late:?}");
        sorted
    }

    fn take(&mut self, partition: u32, record: &Record, dead_letters: &mut DeadLetters) {
        let count = &mut self.partitions[partition as usize];
        let place = (partition, record.offset.0);
        assert_eq!(record.offset.0, count.read as i64, "offsets have no gaps");
        count.read += 1;
        let ingested_ms = record.timestamp_ms.unwrap();
        let judged = judge(self.source, &record.value).and_then(|event| {
            let is_possible = event.time_ms - ingested_ms <= 300_000;
            is_possible
                .then_some(event)
                .ok_or(Reasons::from(["future_timestamp"]))
        });
        let rejected = dead_letters.rejected.remove(&(self.source, place));
        let about = || {
            format!(
                "{} {place:?}: {}",
                self.source.topic(),
                record.value.escape_ascii()
            )
        };
        match (judged, rejected) {
            (Ok(event), None) => {
                let is_late = |one: &&Recomputation| {
                    dead_letters
                        .late
                        .get(one.topic)
                        .is_some_and(|late| late.contains_key(&place))
                };
                let bits = (0..)
                    .zip(&self.recomputations)
                    .filter(|(_, one)| is_late(one));
                let late = bits.map(|(bit, _)| 1 << bit).sum();
                self.events.push(&event, ingested_ms, late);
            }
            (Err(reasons), Some((reason, payload))) => {
                assert!(
                    reasons.contains(&*reason),
                    "{reason}, not {reasons:?}: {}",
                    about()
                );
                assert_eq!(payload, hash(&record.value), "another payload: {}", about());
                *count.rejected.entry(reason).or_default() += 1;
            }
            (Ok(_), Some((reason, _))) => panic!("an event, but rejected as {reason}: {}", about()),
            (Err(reasons), None) => panic!("not rejected, but {reasons:?}: {}", about()),
        }
    }

    /// Checks that the last account of each derivation and partition counts the outcome of every record.
    fn assert_accounts(&self, dead_letters: &DeadLetters, accounts: &BTreeMap<String, Value>) {
        let topic = self.source.topic();
        for (derivation, _) in dataflow_file::derivations()
            .iter()
            .filter(|(_, from)| *from == topic)
        {
            for (partition, count) in (0_u32..).zip(&self.partitions) {
                let account = &accounts[&format!("{derivation}|{topic}|{partition}")];
                crate::harness::assert_adds_up(account);
                let late = dead_letters.late.get(*derivation).into_iter().flatten();
                let late = late.filter(|((of, _), _)| *of == partition).count();
                let expected = json!({
                    "read": count.read, "next_offset": count.read, "rejected": count.rejected, "late": late,
                });
                for (name, value) in expected.as_object().unwrap() {
                    assert_eq!(&account[name], value, "`{name}` of {account}");
                }
            }
        }
    }

    /// Compares the rows of a derived topic minute by minute, and returns the number of rows.
    async fn compare(
        &mut self,
        cluster: &Cluster,
        index: usize,
        accounts: &BTreeMap<String, Value>,
        until_ms: i64,
    ) -> usize {
        let Recomputation {
            topic,
            accept,
            rows,
            unique,
            ..
        } = *self.recomputations[index];
        let mut found = last_revisions(cluster, topic).await;
        let (mut accepted, mut duplicates, mut compared) = (0, 0, 0);
        for minute in self.events.minutes() {
            let records = self.events.records(minute).into_iter();
            let on_time = records.filter(|(late, _)| late & (1 << index) == 0);
            let on_time: Vec<Record> = on_time.map(|(_, record)| record).collect();
            let events = accept(&on_time);
            assert_eq!(
                events.count(),
                on_time.len() as u64,
                "records in the plain spelling are events"
            );
            accepted += events.count();
            duplicates += if unique { events.duplicates() } else { 0 };
            let mut expected = rows(&events);
            expected.values_mut().for_each(leave_many_platforms);
            let mut there = taken(&mut found, minute);
            for rows in [&mut there, &mut expected] {
                rows.retain(|_, row| window_end_ms(row) <= until_ms);
            }
            compared += expected.len();
            if let Err(difference) = oracle::compare_rows(&there, &expected, oracle::tolerance) {
                panic!("`{topic}`: {difference}");
            }
        }
        found
            .retain(|_, (_, row)| window_end_ms(&serde_json::from_slice(row).unwrap()) <= until_ms);
        assert!(
            found.is_empty(),
            "`{topic}` has rows without source records: {:?}",
            found.keys()
        );
        assert_sums(accounts, topic, accepted, duplicates);
        compared
    }
}

/// Checks the numbers of accepted and duplicate records, summed over all accounts of a derivation.
fn assert_sums(accounts: &BTreeMap<String, Value>, topic: &str, accepted: u64, duplicates: u64) {
    let sum = |name: &str| -> u64 {
        let of_topic = accounts
            .values()
            .filter(|account| account["derivation"] == topic);
        of_topic
            .map(|account| account[name].as_u64().unwrap())
            .sum()
    };
    assert_eq!(
        (sum("accepted"), sum("duplicate")),
        (accepted - duplicates, duplicates),
        "`{topic}`: accepted, duplicate"
    );
}

fn leave_many_platforms(row: &mut Value) {
    let platforms = row["by_platform"].as_object();
    if platforms.is_some_and(|platforms| platforms.len() > PLATFORMS_MAX) {
        row.as_object_mut().unwrap().remove("by_platform");
    }
}

/// For each row, by window start and key: the number of its next revision, and the bytes of its last revision.
type Found = BTreeMap<(i64, String), (u64, Vec<u8>)>;

/// Returns the last revision of each row. Checks that revisions count up from 0.
async fn last_revisions(cluster: &Cluster, topic: &str) -> Found {
    let mut found = Found::new();
    each_record(cluster, topic, |_, record| {
        let row: Value = serde_json::from_slice(&record.value).unwrap();
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let key = String::from_utf8(record.key.as_ref().unwrap().to_vec()).unwrap();
        let entry = found.entry((start.as_millisecond(), key)).or_default();
        assert_eq!(
            row["revision"], entry.0,
            "the next revision in `{topic}`: {row}"
        );
        *entry = (entry.0 + 1, record.value.to_vec());
    })
    .await;
    found
}

/// Removes the rows of a minute and returns them.
fn taken(found: &mut Found, minute: i64) -> Rows {
    let start = (minute * MINUTE_MS, String::new());
    let mut rest = found.split_off(&start);
    let mut later = rest.split_off(&((minute + 1) * MINUTE_MS, String::new()));
    found.append(&mut later);
    let row = |(place, (_, row)): ((i64, String), (u64, Vec<u8>))| {
        let mut row: Value = serde_json::from_slice(&row).unwrap();
        row.as_object_mut().unwrap().remove("revision");
        (place, row)
    };
    rest.into_iter().map(row).collect()
}
