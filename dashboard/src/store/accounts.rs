//! What became of the records of each partition, and how far behind the watermark was.

use std::collections::{BTreeMap, VecDeque};

use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::limits::{ACCOUNTS_PERIOD_MS, ROWS_MAX};
use crate::symbols::{Sym, Symbols};

/// More derivations and partitions than anybody runs.
const ACCOUNTS_MAX: usize = 10_000;

/// Ends of a partition that are kept: accounts come every other time that they are asked for.
const ENDS_KEPT: usize = 6;

/// A record of `accounting`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) derivation: String,
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) read: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    #[serde(default)]
    pub(crate) evicted: u64,
    pub(crate) next_offset: i64,
    pub(crate) watermark: Option<Timestamp>,
}

/// The last account of each derivation and partition, and the delays of a day.
#[derive(Debug)]
pub(crate) struct Accounts {
    last: BTreeMap<(String, String, u32), (i64, Account)>,
    /// By derivation: milliseconds from the watermark to the moment of the period's latest account.
    pub(crate) delays: History<Sym, i64>,
    /// The latest ends of source partitions, and when the cluster said so.
    ends: BTreeMap<(String, u32), VecDeque<(i64, i64)>>,
}

impl Accounts {
    pub(crate) fn new() -> Self {
        Self {
            last: BTreeMap::new(),
            delays: History::new(ROWS_MAX),
            ends: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, account: Account, arrived: i64, symbols: &mut Symbols) {
        let key = (
            account.derivation.clone(),
            account.topic.clone(),
            account.partition,
        );
        if self.last.len() >= ACCOUNTS_MAX && !self.last.contains_key(&key) {
            return;
        }
        if let Some(watermark) = account.watermark {
            let delay = arrived - watermark.as_millis();
            let period = arrived - arrived.rem_euclid(ACCOUNTS_PERIOD_MS);
            let derivation = symbols.intern(&account.derivation);
            self.delays.put(period, derivation, 0, Some(delay));
        }
        self.last.insert(key, (arrived, account));
    }

    /// When each was published, and what it says, by derivation, topic and partition.
    pub(crate) fn last(&self) -> impl Iterator<Item = (i64, &Account)> {
        self.last
            .values()
            .map(|(arrived, account)| (*arrived, account))
    }

    /// How far a derivation has come.
    pub(crate) fn watermark(&self, derivation: &str) -> Option<Timestamp> {
        let of = self
            .last
            .values()
            .filter(|(_, account)| account.derivation == derivation);
        of.filter_map(|(_, account)| account.watermark).max()
    }

    /// The source partitions that accounts speak of.
    pub(crate) fn partitions(&self) -> Vec<(String, u32)> {
        let mut partitions: Vec<_> = self
            .last
            .keys()
            .map(|(_, topic, partition)| (topic.clone(), *partition))
            .collect();
        partitions.sort();
        partitions.dedup();
        partitions
    }

    pub(crate) fn note_end(&mut self, topic: String, partition: u32, end: i64, at: i64) {
        let ends = self.ends.entry((topic, partition)).or_default();
        ends.push_front((at, end));
        ends.truncate(ENDS_KEPT);
    }

    /// Records that waited to be read when the account was published: against an end of now, whatever
    /// has come since would count as waiting.
    pub(crate) fn lag(&self, account: &Account, published_at: i64) -> Option<i64> {
        let ends = self.ends.get(&(account.topic.clone(), account.partition))?;
        let (_, end) = ends.iter().find(|(at, _)| *at <= published_at)?;
        Some((end - account.next_offset).max(0))
    }

    /// Up to where all derivations have come.
    pub(crate) fn least_watermark(&self) -> Option<Timestamp> {
        self.last
            .values()
            .filter_map(|(_, account)| account.watermark)
            .min()
    }
}
