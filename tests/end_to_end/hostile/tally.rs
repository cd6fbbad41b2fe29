//! Counts the records that were sent, and the responses to them.

use std::collections::{BTreeMap, HashMap};

use super::items::Kind;
use super::source::Source;

/// The counts of one sender, or the sums over several.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) kinds: BTreeMap<Kind, u64>,
    /// The number of records from producers that the cluster has acknowledged.
    pub(super) produced: BTreeMap<Source, u64>,
    /// The number of records that the web API has reported as accepted.
    pub(super) accepted: BTreeMap<Source, u64>,
    /// The number of records that the web API has reported as rejected, by reason.
    pub(super) rejected: BTreeMap<String, u64>,
    /// The number of rejected records by the hash of their payload, for requests whose response was predicted record by
    /// record.
    pub(super) payloads: HashMap<u64, i64>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) hang_ups: u64,
    pub(super) retries: u64,
}

impl Tally {
    pub(super) fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            add(&mut sum.kinds, one.kinds);
            add(&mut sum.produced, one.produced);
            add(&mut sum.accepted, one.accepted);
            add(&mut sum.rejected, one.rejected);
            add(&mut sum.statuses, one.statuses);
            for (hash, count) in one.payloads {
                *sum.payloads.entry(hash).or_default() += count;
            }
            sum.hang_ups += one.hang_ups;
            sum.retries += one.retries;
        }
        sum
    }

    /// Returns the number of records that a source topic must contain.
    pub(super) fn records(&self, source: Source) -> u64 {
        let of = |counts: &BTreeMap<Source, u64>| counts.get(&source).copied().unwrap_or(0);
        of(&self.produced) + of(&self.accepted)
    }
}

fn add<K: Ord>(sum: &mut BTreeMap<K, u64>, counts: BTreeMap<K, u64>) {
    for (key, count) in counts {
        *sum.entry(key).or_default() += count;
    }
}

/// Computes the FNV-1a hash, which is sufficient because no record is made to collide with another.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
