//! Stores the senders whose clocks are ahead, as reported in the latest accounts (records of the topic `accounting`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The maximum number of senders in memory. If there are more, the sender that was seen longest ago is dropped.
const SENDERS_MAX: usize = 200;

/// A sender whose clock is ahead, as an account (a record of the topic `accounting`) reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ahead {
    sender: String,
    ahead_ms: i64,
}

/// A sender, and how far ahead its clock was when it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SenderAhead {
    pub(crate) topic: String,
    pub(crate) sender: String,
    pub(crate) ahead_ms: i64,
    pub(crate) seen_at: i64,
}

/// The senders, by topic and name.
#[derive(Debug, Default)]
pub(crate) struct Senders(BTreeMap<(String, String), SenderAhead>);

impl Senders {
    pub(crate) fn add(&mut self, topic: &str, named: &[Ahead], seen_at: i64) {
        for Ahead { sender, ahead_ms } in named {
            let key = (topic.to_owned(), sender.clone());
            let sender = SenderAhead {
                topic: topic.to_owned(),
                sender: sender.clone(),
                ahead_ms: *ahead_ms,
                seen_at,
            };
            self.0.insert(key, sender);
        }
        while self.0.len() > SENDERS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, sender)| sender.seen_at);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
    }

    /// Returns the senders, the most recently seen first.
    pub(crate) fn latest(&self) -> Vec<&SenderAhead> {
        let mut senders: Vec<_> = self.0.values().collect();
        senders.sort_by_key(|sender| std::cmp::Reverse((sender.seen_at, sender.ahead_ms)));
        senders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(sender: &str, ahead_ms: i64) -> Ahead {
        Ahead {
            sender: sender.to_owned(),
            ahead_ms,
        }
    }

    #[test]
    fn the_latest_account_of_a_sender_counts_and_the_oldest_senders_are_dropped() {
        let mut senders = Senders::default();
        senders.add("ticks", &[ahead("a", 5_000), ahead("b", 9_000)], 1);
        senders.add("ticks", &[ahead("a", 3_000)], 2);
        let named = |senders: &Senders| {
            let latest = senders.latest().into_iter();
            latest
                .map(|one| (one.sender.clone(), one.ahead_ms))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            named(&senders),
            [("a".to_owned(), 3_000), ("b".to_owned(), 9_000)]
        );
        for number in 0..SENDERS_MAX {
            senders.add("ticks", &[ahead(&number.to_string(), 4_000)], 3);
        }
        assert_eq!(senders.latest().len(), SENDERS_MAX);
        assert!(
            named(&senders)
                .iter()
                .all(|(sender, _)| sender != "a" && sender != "b")
        );
    }
}
