//! A user's latest transactions, in the order in which they were processed.

use std::collections::VecDeque;

use model::Timestamp;
use model::event::{PurchaseEvent, TransactionType};
use model::{RecordKey, money};
use serde::{Deserialize, Serialize};

/// The largest number of transactions stored for a user. It is far more than a person makes in an hour, and
/// takes about 250 KB. Beyond it the oldest transactions are dropped, and the rules no longer see them.
pub(crate) const TRANSACTIONS_MAX: usize = 1_000;

/// The data of an event that the rules need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    pub(crate) id: String,
    pub(crate) kind: TransactionType,
    pub(crate) currency: String,
    pub(crate) amount_minor: i64,
    pub(crate) platform: String,
    /// The item's id and type joined into one text, which takes less memory than two.
    pub(crate) item: RecordKey,
}

impl Transaction {
    pub(crate) fn of(event: &PurchaseEvent<'_>) -> Self {
        Self {
            id: event.transaction_id.to_string(),
            kind: event.transaction_type,
            currency: event.currency.to_string(),
            amount_minor: event.amount_minor,
            platform: event.platform.to_string(),
            item: RecordKey::new(&[&event.item_id, &event.item_type]),
        }
    }

    pub(crate) fn is_purchase(&self) -> bool {
        self.kind == TransactionType::Purchase
    }

    /// Returns the item's id and type.
    pub(crate) fn item(&self) -> [String; 2] {
        self.item.fields().unwrap_or_default()
    }

    /// Formats the amount with its currency: `4.99 USD`.
    pub(crate) fn price(&self) -> String {
        format!("{} {}", self.amount(), self.currency)
    }

    pub(crate) fn amount(&self) -> String {
        money::format(self.amount_minor.into(), &self.currency)
    }
}

/// A transaction in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) time: Timestamp,
    pub(crate) transaction: Transaction,
    /// Whether an alert of `card-testing` has counted the transaction as one of its small purchases.
    pub(crate) is_test: bool,
    /// Whether the transaction's id has raised a conflict.
    pub(crate) is_contradicted: bool,
}

impl Entry {
    pub(crate) fn new(time: Timestamp, transaction: Transaction) -> Self {
        Self {
            time,
            transaction,
            is_test: false,
            is_contradicted: false,
        }
    }
}

/// A user's latest transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History(VecDeque<Entry>);

impl History {
    /// Adds the newest transaction.
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.0.len() == TRANSACTIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub(crate) fn newest(&self) -> Option<&Entry> {
        self.0.back()
    }

    /// Drops all transactions before `time`.
    pub(crate) fn forget_before(&mut self, time: Timestamp) {
        let old = self.0.iter().take_while(|entry| entry.time < time).count();
        self.0.drain(..old);
    }

    /// Returns the transactions later than `now` − `window_ms`, the newest first.
    pub(crate) fn within(&self, now: Timestamp, window_ms: i64) -> impl Iterator<Item = &Entry> {
        self.0
            .iter()
            .rev()
            .take_while(move |entry| now.ms_since(entry.time) < window_ms)
    }

    pub(crate) fn within_mut(
        &mut self,
        now: Timestamp,
        window_ms: i64,
    ) -> impl Iterator<Item = &mut Entry> {
        self.0
            .iter_mut()
            .rev()
            .take_while(move |entry| now.ms_since(entry.time) < window_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{at, purchase};

    #[test]
    fn a_window_is_open_at_its_older_end() {
        let mut history = History::default();
        for ms in [0, 1, 1_000] {
            history.push(Entry::new(at(ms), purchase("t", "1.00 USD", "PC")));
        }
        let times = |now, window_ms| {
            let entries = history.within(at(now), window_ms);
            entries.map(|e| e.time.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(times(1_000, 1_000), [1_000, 1]);
        assert_eq!(times(1_000, 1_001), [1_000, 1, 0]);
        assert_eq!(times(2_000, 1_000), [] as [i64; 0]);
        history.forget_before(at(1));
        assert_eq!(history.within(at(1_000), i64::MAX).count(), 2);
    }

    #[test]
    fn the_oldest_are_dropped_if_there_are_too_many() {
        let mut history = History::default();
        for ms in 0..TRANSACTIONS_MAX as i64 + 3 {
            history.push(Entry::new(at(ms), purchase("t", "1.00 USD", "PC")));
        }
        let kept: Vec<_> = history.within(at(2_000), i64::MAX).collect();
        assert_eq!(kept.len(), TRANSACTIONS_MAX);
        assert_eq!(kept.last().map(|entry| entry.time), Some(at(3)));
    }
}
