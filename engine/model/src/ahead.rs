//! Counts accepted events whose time is far ahead of their ingest time. Derivations process these events like any
//! others. The list of their senders shows operators which clocks to correct.

use serde::{Deserialize, Serialize};

use crate::merge::Merge;

/// An event is far ahead if its time is later than its record's ingest time by more than this number of
/// milliseconds. Synchronized clocks differ by less.
pub const FAR_AHEAD_MS: i64 = 2_000;

/// The largest number of senders in the list of [`SendersAhead`]. The list keeps those furthest ahead; among senders
/// with the same lead, the first by name.
const SENDERS_MAX: usize = 8;

/// The number of events that were far ahead of their ingest time, and the senders that were furthest ahead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendersAhead {
    /// The number of events far ahead, including those of senders that are not in `senders`.
    pub events: u64,
    /// The senders that were furthest ahead, the largest lead first.
    pub senders: Vec<SenderAhead>,
}

/// A sender whose clock is ahead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderAhead {
    /// The record key of the sender: a player, a user or a server.
    pub sender: String,
    /// The largest lead of its events over their ingest time, in milliseconds.
    pub ahead_ms: i64,
}

impl SendersAhead {
    /// Returns whether no event was far ahead.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Counts an event of `sender` that is `ahead_ms` ahead of its ingest time.
    pub fn add(&mut self, sender: &str, ahead_ms: i64) {
        self.events += 1;
        self.note(sender, ahead_ms);
    }

    fn note(&mut self, sender: &str, ahead_ms: i64) {
        match self.senders.iter_mut().find(|one| one.sender == sender) {
            Some(known) if known.ahead_ms >= ahead_ms => return,
            Some(known) => known.ahead_ms = ahead_ms,
            None => self.senders.push(SenderAhead {
                sender: sender.to_owned(),
                ahead_ms,
            }),
        }
        self.senders
            .sort_by(|a, b| (b.ahead_ms, &a.sender).cmp(&(a.ahead_ms, &b.sender)));
        self.senders.truncate(SENDERS_MAX);
    }
}

impl Merge for SendersAhead {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        for SenderAhead { sender, ahead_ms } in other.senders {
            self.note(&sender, ahead_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_senders_furthest_ahead_are_named_however_events_are_split(
            events in prop::collection::vec((0..20_u8, 2_001..2_060_i64), 0..80),
            split in 0..80_usize,
        ) {
            let mut furthest = BTreeMap::<String, i64>::new();
            for (sender, ahead_ms) in &events {
                let known = furthest.entry(format!("s{sender}")).or_default();
                *known = (*known).max(*ahead_ms);
            }
            let mut expected: Vec<_> = furthest.into_iter().map(|(sender, ms)| (-ms, sender)).collect();
            expected.sort();
            expected.truncate(SENDERS_MAX);

            let (left, right) = events.split_at(split.min(events.len()));
            let of = |events: &[(u8, i64)]| {
                let mut ahead = SendersAhead::default();
                events.iter().for_each(|(sender, ms)| ahead.add(&format!("s{sender}"), *ms));
                ahead
            };
            let mut merged = of(left);
            merged.merge(of(right));
            prop_assert_eq!(merged.events, events.len() as u64);
            let named: Vec<_> = merged.senders.into_iter().map(|one| (-one.ahead_ms, one.sender)).collect();
            prop_assert_eq!(named, expected);
        }
    }
}
