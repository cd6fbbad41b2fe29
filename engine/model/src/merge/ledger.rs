//! The ledger: the purchases and refunds of one currency. If transaction ids are unique, each transaction is
//! counted once, however often its record was sent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Distinct, Merge, SortedSet, fingerprint};
use crate::event::{PurchaseEvent, TransactionType};
use crate::key::RecordKey;
use crate::params::{ParamError, Params};

/// Decides which events of a ledger are counted as transactions.
#[derive(Clone, Copy, Debug)]
pub struct Bookkeeping {
    /// Whether a transaction id identifies one transaction. A second record with the same content is then a
    /// duplicate and is not counted. Must be false if senders draw ids from a small space, because different
    /// transactions then share ids.
    unique_transactions: bool,
}

impl Bookkeeping {
    /// The names of the parameters.
    pub const PARAMETERS: &'static [&'static str] = &["unique_transactions"];

    /// Reads the parameters. By default, transaction ids are unique.
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            unique_transactions: params.get("unique_transactions", "true or false", true)?,
        })
    }

    /// Enters one event into a ledger. All events of a ledger must have the same game and currency, and must be
    /// entered with the same parameters.
    pub fn enter(self, event: &PurchaseEvent<'_>, ledger: &mut Ledger) {
        if self.unique_transactions {
            ledger.transactions.insert(Transaction::of(event));
            return;
        }
        ledger.sums.add(event.transaction_type, event.amount_minor);
        if event.transaction_type == TransactionType::Purchase {
            ledger.buyers.insert(fingerprint(&event.user_id));
        }
    }
}

/// The transactions of one window and key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Each transaction once, whatever the number of its records. Used if ids are unique.
    transactions: SortedSet<Transaction>,
    /// The sums of the transactions. Like `buyers`, used only if ids are not unique.
    sums: Sums,
    buyers: Distinct,
}

impl Ledger {
    /// Returns how many of the ledger's `events` repeat another of these events.
    pub fn duplicates(&mut self, events: u64) -> u64 {
        events - self.transactions.len() as u64 - self.sums.purchases - self.sums.refunds
    }

    /// Returns the totals of the ledger's transactions.
    pub fn totals(&self) -> Totals {
        let mut sums = self.sums;
        let mut buyers = BTreeSet::new();
        for transaction in self.transactions.settled().iter() {
            sums.add(transaction.transaction_type, transaction.amount_minor);
            if transaction.transaction_type == TransactionType::Purchase {
                buyers.insert(transaction.buyer);
            }
        }
        Totals {
            purchases: sums.purchases,
            refunds: sums.refunds,
            gross_minor: sums.gross_minor,
            refunded_minor: sums.refunded_minor,
            // One of the two sets of buyers is empty, because all events were entered with the same parameters.
            buyers: self.buyers.count() + buyers.len() as u64,
            buyers_error: self.buyers.error(),
        }
    }
}

impl Merge for Ledger {
    fn merge(&mut self, other: Self) {
        self.transactions.merge(other.transactions);
        self.sums.purchases += other.sums.purchases;
        self.sums.refunds += other.sums.refunds;
        self.sums.gross_minor += other.sums.gross_minor;
        self.sums.refunded_minor += other.sums.refunded_minor;
        self.buyers.merge(other.buyers);
    }

    fn settle(&mut self) {
        self.transactions.settle();
        self.buyers.settle();
    }
}

/// The totals of a ledger. The sums are in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Totals {
    /// The number of purchases.
    pub purchases: u64,
    /// The number of refunds.
    pub refunds: u64,
    /// The sum of the purchases.
    pub gross_minor: i128,
    /// The sum of the refunds.
    pub refunded_minor: i128,
    /// The number of distinct users who made a purchase.
    pub buyers: u64,
    /// The relative error of `buyers`; `None` if it is exact.
    pub buyers_error: Option<f64>,
}

impl Totals {
    /// Returns the purchases minus the refunds, which may be negative.
    pub fn net_minor(&self) -> i128 {
        self.gross_minor - self.refunded_minor
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Sums {
    purchases: u64,
    refunds: u64,
    gross_minor: i128,
    refunded_minor: i128,
}

impl Sums {
    fn add(&mut self, transaction_type: TransactionType, amount_minor: i64) {
        let (count, sum) = match transaction_type {
            TransactionType::Purchase => (&mut self.purchases, &mut self.gross_minor),
            TransactionType::Refund => (&mut self.refunds, &mut self.refunded_minor),
        };
        *count += 1;
        *sum += i128::from(amount_minor);
    }
}

/// One transaction, reduced to the fields that the totals need and a fingerprint of the other fields. Records with
/// the same content have equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Transaction {
    content: u128,
    buyer: u128,
    transaction_type: TransactionType,
    amount_minor: i64,
}

impl Transaction {
    /// Creates the transaction of an event. The fingerprint `content` covers every field of the event except game
    /// and currency, which are the same in a whole ledger, and type and amount, which are stored next to it. The
    /// fields are joined into a key, so that they remain separate whatever characters they contain.
    fn of(event: &PurchaseEvent<'_>) -> Self {
        let content = RecordKey::new(&[
            &event.transaction_id,
            &event.item_id,
            &event.item_type,
            &event.user_id,
            &event.platform,
            &event.time.as_millis().to_string(),
        ]);
        Self {
            content: fingerprint(content.as_str()),
            buyer: fingerprint(&event.user_id),
            transaction_type: event.transaction_type,
            amount_minor: event.amount_minor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TypedEvent;
    use proptest::prelude::*;

    fn record((transaction, kind, amount, user): (u8, bool, u16, u8)) -> String {
        let kind = if kind { "purchase" } else { "refund" };
        format!(
            r#"{{"event_name":"t","event_timestamp":"2024-11-12T10:15:31Z",
                "parameters":{{"transaction_id":"t{transaction}","transaction_type":"{kind}","currency":"JPY",
                    "amount":{amount},"item_id":"i","item_type":"k"}},
                "user_data":{{"user_id":"u{user}","platform":"PC"}}}}"#
        )
    }

    fn bookkeeping(unique_transactions: bool) -> Bookkeeping {
        let unique = unique_transactions.to_string();
        Bookkeeping::from_params(&[("unique_transactions", unique)].into_iter().collect())
            .expect("parameters")
    }

    proptest! {
        #[test]
        fn adds_up_in_any_split(
            parts in prop::collection::vec(
                prop::collection::vec((0_u8..4, any::<bool>(), 0_u16..3, 0_u8..3), 0..20),
                0..5,
            ),
            unique: bool,
        ) {
            let mut ledger = Ledger::default();
            for part in parts.iter().rev() {
                let mut other = Ledger::default();
                for record in part.iter().map(|facts| record(*facts)) {
                    let event = PurchaseEvent::parse(record.as_bytes()).expect("an event");
                    bookkeeping(unique).enter(&event, &mut other);
                }
                other.settle();
                ledger.merge(other);
            }
            let mut facts = parts.concat();
            let events = facts.len();
            if unique {
                facts.sort_unstable();
                facts.dedup();
            }
            let of = |kind| facts.iter().filter(move |fact| fact.1 == kind);
            let sum = |kind| of(kind).map(|fact| i128::from(fact.2)).sum::<i128>();
            let totals = ledger.totals();
            prop_assert_eq!(totals, Totals {
                purchases: of(true).count() as u64,
                refunds: of(false).count() as u64,
                gross_minor: sum(true),
                refunded_minor: sum(false),
                buyers: of(true).map(|fact| fact.3).collect::<BTreeSet<_>>().len() as u64,
                buyers_error: None,
            });
            prop_assert_eq!(totals.net_minor(), sum(true) - sum(false));
            prop_assert_eq!(ledger.duplicates(events as u64), (events - facts.len()) as u64);
        }
    }
}
