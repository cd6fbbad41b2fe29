//! Reads the dead letters from `rejected-events` and `late-events`, and joins their payloads from their
//! parts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Cluster, Mode, Partition, Record, Start};
use futures_util::StreamExt;
use serde_json::Value;

use super::reading::{judge, judge_by_name};
use super::source::Source;
use super::tally::hash;

/// The partition and offset of a record.
pub(super) type Position = (u32, i64);

/// The dead letters by position. Payloads are stored as hashes.
#[derive(Default)]
pub(super) struct DeadLetters {
    /// The reason and the payload of each record of a source topic that the runner rejected.
    pub(super) rejected: HashMap<(Source, Position), (String, u64)>,
    /// The number of records that the web API rejected, by reason.
    pub(super) posted: BTreeMap<String, u64>,
    /// The number of records that the web API rejected, by the hash of their payload.
    pub(super) payloads: HashMap<u64, i64>,
    /// The late events of each derivation.
    pub(super) late: BTreeMap<String, HashMap<Position, u64>>,
    /// The number of late events of senders whose clock is correct (see [`super::HEALTHY`]), by derivation.
    pub(super) healthy_late: BTreeMap<String, u64>,
}

impl DeadLetters {
    pub(super) async fn read(cluster: &Cluster) -> Self {
        let mut dead_letters = Self::default();
        let mut parts = Parts::default();
        each_record(cluster, "rejected-events", |_, record| {
            if let Some((row, payload)) = parts.whole(&record) {
                dead_letters.add_rejected(&row, &payload);
            }
        })
        .await;
        each_record(cluster, "late-events", |_, record| {
            if let Some((row, payload)) = parts.whole(&record) {
                dead_letters.add_late(&row, &payload);
            }
        })
        .await;
        assert!(
            parts.cut.is_empty(),
            "payloads lack parts: {:?}",
            parts.cut.keys()
        );
        dead_letters
    }

    /// Returns the reasons for which the runner rejected records.
    pub(super) fn reasons(&self) -> BTreeSet<String> {
        let reasons = self.rejected.values();
        reasons.map(|(reason, _)| reason.clone()).collect()
    }

    fn add_rejected(&mut self, row: &Value, payload: &[u8]) {
        let reason = row["reason"].as_str().unwrap().to_owned();
        if row["origin"] == "web-api" {
            let judged = match row["topic"].as_str() {
                Some(topic) => judge(Source::of_topic(topic), payload).err(),
                None => judge_by_name(payload).err(),
            };
            let is_right = judged
                .as_ref()
                .is_some_and(|reasons| reasons.contains(&*reason));
            assert!(is_right, "the web API rejected {row}, but it is {judged:?}");
            *self.posted.entry(reason).or_default() += 1;
            *self.payloads.entry(hash(payload)).or_default() += 1;
            return;
        }
        let source = Source::of_topic(row["topic"].as_str().unwrap());
        let before = self
            .rejected
            .insert((source, place(row)), (reason, hash(payload)));
        assert!(before.is_none(), "rejected twice: {row}");
    }

    fn add_late(&mut self, row: &Value, payload: &[u8]) {
        let derivation = row["derivation"].as_str().unwrap().to_owned();
        assert_eq!(row["reason"], "late", "{row}");
        let mark = super::HEALTHY.as_bytes();
        if payload.windows(mark.len()).any(|window| window == mark) {
            *self.healthy_late.entry(derivation.clone()).or_default() += 1;
        }
        let late = self.late.entry(derivation).or_default();
        assert!(
            late.insert(place(row), hash(payload)).is_none(),
            "late twice: {row}"
        );
    }
}

fn place(row: &Value) -> Position {
    (
        row["partition"].as_u64().unwrap() as u32,
        row["offset"].as_i64().unwrap(),
    )
}

/// Payloads that have been read in part, by the key of their dead letter, and the hashes of all record keys so far.
#[derive(Default)]
struct Parts {
    cut: HashMap<String, Vec<u8>>,
    keys: BTreeSet<u64>,
}

impl Parts {
    /// Returns a dead letter with its payload once all parts are read. Checks that no key is written twice.
    fn whole(&mut self, record: &Record) -> Option<(Value, Vec<u8>)> {
        let key = record.key.as_deref().unwrap();
        assert!(
            self.keys.insert(hash(key)),
            "{} is written twice",
            key.escape_ascii()
        );
        let row: Value = serde_json::from_slice(&record.value).unwrap();
        let (part, parts) = (
            row["part"].as_u64().unwrap(),
            row["parts"].as_u64().unwrap(),
        );
        let payload = match row["payload"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => STANDARD
                .decode(row["payload_base64"].as_str().unwrap())
                .unwrap(),
        };
        if parts == 1 {
            return Some((row, payload));
        }
        let key = String::from_utf8(key.to_vec()).unwrap();
        let (name, number) = key.rsplit_once('|').unwrap();
        assert_eq!(number, part.to_string(), "{key}");
        let whole = self.cut.entry(name.to_owned()).or_default();
        assert_eq!(part == 0, whole.is_empty(), "parts are in order: {key}");
        whole.extend(payload);
        if part + 1 < parts {
            return None;
        }
        self.cut.remove(name).map(|payload| (row, payload))
    }
}

/// Calls `see` with each current record and its partition, one partition after another.
pub(super) async fn each_record(cluster: &Cluster, topic: &str, mut see: impl FnMut(u32, Record)) {
    for partition in Partition::of(cluster.partition_count(topic).await.unwrap()) {
        let records = cluster.records(topic, partition, Start::Beginning, Mode::UntilEnd);
        let mut records = records.await.unwrap();
        while let Some(record) = records.next().await {
            see(partition.0, record.unwrap());
        }
    }
}
