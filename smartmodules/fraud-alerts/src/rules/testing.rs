//! Sequences of one user's transactions, for the tests of the rules.

use model::derived::FraudRule;
use model::event::{PurchaseEvent, TypedEvent};
use model::{Params, RecordKey, Timestamp};

use super::Rules;
use crate::account::Account;
use crate::alarm::Alert;
use crate::history::Transaction;

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Creates a purchase of `price`, such as `4.99 USD`.
pub(crate) fn purchase(id: &str, price: &str, platform: &str) -> Transaction {
    transaction("purchase", id, price, platform)
}

pub(crate) fn refund(id: &str, price: &str) -> Transaction {
    transaction("refund", id, price, "PC")
}

fn transaction(kind: &str, id: &str, price: &str, platform: &str) -> Transaction {
    let (amount, currency) = price.split_once(' ').expect("an amount and a currency");
    let record = format!(
        r#"{{"event_name":"transaction","event_timestamp":"2024-11-12T10:16:05Z",
            "parameters":{{"transaction_id":"{id}","transaction_type":"{kind}","currency":"{currency}",
                "amount":{amount},"item_id":"sword","item_type":"weapon"}},
            "user_data":{{"user_id":"user_1","platform":"{platform}"}}}}"#
    );
    let event = PurchaseEvent::parse(record.as_bytes()).expect("an event");
    Transaction::of(&event)
}

impl Transaction {
    /// Returns the same transaction for another item, where `item` is the id and the type separated by a
    /// space.
    pub(crate) fn about(mut self, item: &str) -> Self {
        let (id, item_type) = item.split_once(' ').expect("an id and a type");
        self.item = RecordKey::new(&[id, item_type]);
        self
    }
}

/// The account of one user under these rules. Transactions are processed one after another.
pub(crate) struct TestAccount {
    rules: Rules,
    account: Account,
}

impl TestAccount {
    pub(crate) fn with(params: &[(&str, &str)]) -> Self {
        let params: Params = params.iter().copied().collect();
        Self {
            rules: Rules::from_params(&params).expect("good parameters"),
            account: Account::default(),
        }
    }

    /// Processes the next transaction. Returns all alerts that it raises.
    pub(crate) fn at(&mut self, ms: i64, transaction: Transaction) -> Vec<Alert> {
        let time = at(ms);
        if self
            .account
            .forgotten_at(&self.rules)
            .is_some_and(|deadline| deadline <= time)
        {
            self.account = Account::default();
        }
        let snapshot = postcard::to_stdvec(&self.account).expect("a snapshot");
        let restored: Account = postcard::from_bytes(&snapshot).expect("an account");
        assert_eq!(restored, self.account);
        self.account.on_event(&self.rules, time, transaction)
    }

    /// Processes the next transaction. Returns the alert of this rule.
    pub(crate) fn of(
        &mut self,
        rule: FraudRule,
        ms: i64,
        transaction: Transaction,
    ) -> Option<Alert> {
        let alerts = self.at(ms, transaction).into_iter();
        let mut alerts: Vec<_> = alerts.filter(|alert| alert.rule == rule).collect();
        assert!(alerts.len() <= 1, "{alerts:?}");
        alerts.pop()
    }

    /// Processes the next transaction, which must fire this rule and no other. Returns the alert.
    pub(crate) fn only(&mut self, rule: FraudRule, ms: i64, transaction: Transaction) -> Alert {
        let mut alerts = self.at(ms, transaction);
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        let alert = alerts.pop().expect("an alert");
        assert_eq!(alert.rule, rule);
        alert
    }
}
