//! Stores the last account of each derivation and partition. An account counts the outcomes of the records that the
//! derivation has read from the partition. Also stores the watermark delay of each derivation over time.

use std::collections::{BTreeMap, VecDeque};

use client::{Offset, Partition, Record};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::Unshown;
use super::senders::{Ahead, Senders};
use super::shown::{FoldContext, ShownTopic, check_size};
use crate::history::History;
use crate::limits::{ACCOUNTS_PERIOD_MS, ROWS_MAX};
use crate::symbols::{Symbol, Symbols};

/// The limit for accounts (derivations times partitions), far more than usual dataflows need.
const ACCOUNTS_MAX: usize = 10_000;

/// The number of end offsets stored for each partition: half a minute of polling. [`Accounts::lag`] needs an end offset
/// that was polled before the latest account was published, and accounts are published every ten seconds.
const ENDS_KEPT: usize = 6;

/// A record of `accounting`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) derivation: String,
    pub(crate) topic: String,
    pub(crate) partition: Partition,
    pub(crate) read: u64,
    pub(crate) accepted: u64,
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    #[serde(default)]
    pub(crate) evicted: u64,
    /// The number of accepted events whose event time was more than two seconds after their ingest time.
    #[serde(default)]
    pub(crate) ahead: u64,
    /// The senders of events counted in `ahead` since the previous account.
    #[serde(default, skip_serializing)]
    pub(crate) senders_ahead: Vec<Ahead>,
    pub(crate) next_offset: Offset,
    pub(crate) watermark: Option<Timestamp>,
}

/// The last account of each derivation and partition, and the watermark delays of a day.
#[derive(Debug)]
pub(crate) struct Accounts {
    last: BTreeMap<(String, String, Partition), (i64, Account)>,
    /// The watermark delay in milliseconds, by publication period and derivation: the time from the watermark of the
    /// period's latest account to the publication of this account.
    pub(crate) delays: History<Symbol, i64>,
    /// The latest end offsets of each source partition, each with the time at which it was polled.
    ends: BTreeMap<(String, Partition), VecDeque<(i64, Offset)>>,
    pub(crate) senders_ahead: Senders,
}

impl ShownTopic for Accounts {
    fn empty() -> Self {
        Self {
            last: BTreeMap::new(),
            delays: History::new(ROWS_MAX),
            ends: BTreeMap::new(),
            senders_ahead: Senders::default(),
        }
    }

    fn fold(&mut self, record: &Record, context: &mut FoldContext<'_>) -> Result<(), Unshown> {
        check_size(record)?;
        let account = serde_json::from_slice(&record.value)?;
        self.add(account, context.arrived, context.names.symbols);
        Ok(())
    }
}

impl Accounts {
    fn add(&mut self, account: Account, arrived: i64, symbols: &mut Symbols) {
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
        self.senders_ahead
            .add(&account.topic, &account.senders_ahead, arrived);
        self.last.insert(key, (arrived, account));
    }

    /// Returns the accounts with their times of publication, ordered by derivation, topic and partition.
    pub(crate) fn last(&self) -> impl Iterator<Item = (i64, &Account)> {
        self.last
            .values()
            .map(|(arrived, account)| (*arrived, account))
    }

    /// Returns the greatest watermark in the accounts of a derivation.
    pub(crate) fn watermark(&self, derivation: &str) -> Option<Timestamp> {
        let of = self
            .last
            .values()
            .filter(|(_, account)| account.derivation == derivation);
        of.filter_map(|(_, account)| account.watermark).max()
    }

    /// Returns the source partitions of all accounts, without duplicates.
    pub(crate) fn partitions(&self) -> Vec<(String, Partition)> {
        let mut partitions: Vec<_> = self
            .last
            .keys()
            .map(|(_, topic, partition)| (topic.clone(), *partition))
            .collect();
        partitions.sort();
        partitions.dedup();
        partitions
    }

    pub(crate) fn note_end(&mut self, topic: String, partition: Partition, end: Offset, at: i64) {
        let ends = self.ends.entry((topic, partition)).or_default();
        ends.push_front((at, end));
        ends.truncate(ENDS_KEPT);
    }

    /// Returns the number of records that were unread when the account was published. It uses the last end offset
    /// polled before the publication, because a later one would include records that arrived after the publication.
    pub(crate) fn lag(&self, account: &Account, published_at: i64) -> Option<i64> {
        let ends = self.ends.get(&(account.topic.clone(), account.partition))?;
        let (_, end) = ends.iter().find(|(at, _)| *at <= published_at)?;
        Some((*end - account.next_offset).max(0))
    }

    /// Returns the lowest watermark in the accounts of all derivations.
    pub(crate) fn least_watermark(&self) -> Option<Timestamp> {
        self.last
            .values()
            .filter_map(|(_, account)| account.watermark)
            .min()
    }
}
