//! `transaction-conflict`: two different transactions with one id, or a refund larger than the purchase with
//! its id.

use model::derived::{Conflict, Evidence, Statement};
use model::{ParamError, Params};

use super::{Rule, score_of_excess};
use crate::alarm::Suspicion;
use crate::history::{Entry, History, Transaction};
use crate::parameters;

/// The score if two different transactions have one id.
const DIFFERENT_CONTENT: f64 = 0.6;

/// The rule `transaction-conflict`. After it has fired for an id, it fires again for this id only after a whole window
/// without a conflict. It never fires without `unique_transactions`, because two transactions may then have the same
/// id.
#[derive(Clone, Debug)]
pub(crate) struct TransactionConflict {
    unique_transactions: bool,
    window_ms: i64,
}

impl TransactionConflict {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            unique_transactions: params.get("unique_transactions", "true or false", true)?,
            window_ms: parameters::window_ms(params, "transaction_conflict_window_s", 3_600)?,
        })
    }

    /// Returns whether the history has a record with the same content as `entry`, including its time.
    pub(crate) fn is_duplicate(&self, history: &History, entry: &Entry) -> bool {
        let is_same = |there: &Entry| there.transaction == entry.transaction;
        self.unique_transactions && history.within(entry.time, 1).any(is_same)
    }

    /// Returns the earliest record that contradicts the newest one.
    fn contradiction<'h>(
        &self,
        history: &'h History,
        newest: &Entry,
    ) -> Option<(&'h Entry, Conflict)> {
        let earlier = history.within(newest.time, self.window_ms).skip(1);
        let alike = earlier.filter(|entry| entry.transaction.id == newest.transaction.id);
        let found = alike.filter_map(|entry| {
            let conflict = conflict(&entry.transaction, &newest.transaction)?;
            Some((entry, conflict))
        });
        found.last()
    }
}

/// Returns the conflict between two records with the same id, if any. A refund with the id of a purchase is a
/// refund of that purchase: it must have the same item, the same currency, and at most the same amount. Two
/// purchases with the same id always conflict, and so do two refunds; exact duplicates have been dropped before.
fn conflict(earlier: &Transaction, newest: &Transaction) -> Option<Conflict> {
    let ([item, _], [other_item, _]) = (earlier.item(), newest.item());
    let is_same_thing = earlier.currency == newest.currency && item == other_item;
    if earlier.kind == newest.kind || !is_same_thing {
        return Some(Conflict::DifferentContent);
    }
    let (purchase, refund) = in_order(earlier, newest);
    (refund.amount_minor > purchase.amount_minor).then_some(Conflict::RefundLargerThanPurchase)
}

/// Returns the purchase first and the refund second.
fn in_order<'t>(a: &'t Transaction, b: &'t Transaction) -> (&'t Transaction, &'t Transaction) {
    if a.is_purchase() { (a, b) } else { (b, a) }
}

/// Returns the names of the fields in which two statements differ. The list is empty only for duplicates.
fn differences(first: &Statement, now: &Statement) -> Vec<String> {
    let fields = [
        (
            "transaction_type",
            first.transaction_type != now.transaction_type,
        ),
        ("amount", first.amount != now.amount),
        ("currency", first.currency != now.currency),
        ("item_id", first.item_id != now.item_id),
        ("item_type", first.item_type != now.item_type),
        ("platform", first.platform != now.platform),
        ("time", first.time != now.time),
    ];
    let differ = fields.into_iter().filter(|(_, differs)| *differs);
    differ.map(|(name, _)| name.to_owned()).collect()
}

fn statement(entry: &Entry) -> Statement {
    let transaction = &entry.transaction;
    let [item_id, item_type] = transaction.item();
    Statement {
        transaction_type: kind(transaction).to_owned(),
        amount: transaction.amount(),
        currency: transaction.currency.clone(),
        item_id,
        item_type,
        platform: transaction.platform.clone(),
        time: entry.time,
    }
}

fn kind(transaction: &Transaction) -> &'static str {
    if transaction.is_purchase() {
        "purchase"
    } else {
        "refund"
    }
}

fn reason(
    id: &str,
    earlier: &Entry,
    newest: &Entry,
    conflict: Conflict,
    differs: &[String],
) -> String {
    let (first, now) = (&earlier.transaction, &newest.transaction);
    match conflict {
        Conflict::RefundLargerThanPurchase => {
            let (purchase, refund) = in_order(first, now);
            format!(
                "transaction `{id}`: a refund of {} for a purchase of {}",
                refund.price(),
                purchase.price()
            )
        }
        Conflict::DifferentContent => {
            let words = |entry: &Entry| {
                format!(
                    "{} of {}",
                    kind(&entry.transaction),
                    entry.transaction.price()
                )
            };
            format!(
                "transaction `{id}` stands for two things: a {} at {}, and a {} at {}; they differ in {}",
                words(earlier),
                earlier.time,
                words(newest),
                newest.time,
                differs.join(", ")
            )
        }
    }
}

fn score(first: &Transaction, now: &Transaction, conflict: Conflict) -> f64 {
    match conflict {
        Conflict::DifferentContent => DIFFERENT_CONTENT,
        Conflict::RefundLargerThanPurchase => {
            let (purchase, refund) = in_order(first, now);
            score_of_excess(purchase.amount_minor.into(), refund.amount_minor.into())
        }
    }
}

impl Rule for TransactionConflict {
    fn window_ms(&self) -> i64 {
        self.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        if !self.unique_transactions {
            return None;
        }
        let newest = history.newest()?;
        let (earlier, conflict) = self.contradiction(history, newest)?;
        let id = newest.transaction.id.clone();
        let (first, now) = (statement(earlier), statement(newest));
        let differs = differences(&first, &now);
        let suspicion = Suspicion {
            start: newest.time,
            transaction_ids: vec![id.clone()],
            score: score(&earlier.transaction, &newest.transaction, conflict),
            reason: reason(&id, earlier, newest, conflict, &differs),
            evidence: Evidence::TransactionConflict {
                transaction_id: id.clone(),
                conflict,
                first: Box::new(first),
                now: Box::new(now),
                differs,
                window_s: self.window_ms / 1_000,
            },
        };
        let (now, mut is_known) = (newest.time, false);
        let same_id = |entry: &&mut Entry| entry.transaction.id == id;
        for entry in history.within_mut(now, self.window_ms).filter(same_id) {
            is_known |= entry.is_contradicted;
            entry.is_contradicted = true;
        }
        (!is_known).then_some(suspicion)
    }
}

#[cfg(test)]
mod tests {
    use crate::history::Transaction;
    use crate::rules::testing::{TestAccount, purchase, refund};
    use model::derived::FraudRule;

    const RULE: FraudRule = FraudRule::TransactionConflict;

    /// Returns the reasons of the alerts that this rule raises for these transactions.
    fn reasons(params: &[(&str, &str)], transactions: &[(i64, Transaction)]) -> Vec<String> {
        let mut account = TestAccount::with(params);
        let next =
            |(time, transaction): &(i64, Transaction)| account.of(RULE, *time, transaction.clone());
        let alerts = transactions.iter().filter_map(next);
        alerts.map(|alert| alert.reason).collect()
    }

    fn usd(id: &str, amount: &str) -> Transaction {
        purchase(id, &format!("{amount} USD"), "PC")
    }

    #[test]
    fn a_different_content_fires() {
        let reasons = reasons(&[], &[(0, usd("t", "5.00")), (1_000, usd("t", "6.00"))]);
        assert_eq!(
            reasons,
            ["transaction `t` stands for two things: \
                 a purchase of 5.00 USD at 1970-01-01T00:00:00.000Z, \
                 and a purchase of 6.00 USD at 1970-01-01T00:00:01.000Z; they differ in amount, time"]
        );
    }

    #[test]
    fn every_field_is_content() {
        let others = [
            (0, usd("t", "5.01")),
            (1, usd("t", "5.00")),
            (0, purchase("t", "5.00 EUR", "PC")),
            (0, purchase("t", "5.00 USD", "Mobile")),
            (0, refund("t", "5.00 EUR")),
        ];
        for other in others {
            let found = reasons(&[], &[(0, usd("t", "5.00")), other.clone()]);
            assert_eq!(found.len(), 1, "{other:?}");
        }
        for (item, field) in [
            ("shield weapon", "item_id"),
            ("sword cosmetic", "item_type"),
        ] {
            let other = usd("t", "5.00").about(item);
            let found = reasons(&[], &[(0, usd("t", "5.00")), (0, other)]);
            assert!(
                found[0].ends_with(&format!("they differ in {field}")),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_refund_may_have_another_item_type_than_its_purchase() {
        let bought = (0, usd("t", "5.00"));
        let back = |item| (1_000, refund("t", "5.00 USD").about(item));
        assert!(reasons(&[], &[bought.clone(), back("sword cosmetic")]).is_empty());
        let other_item = reasons(&[], &[bought, back("shield weapon")]);
        assert!(
            other_item[0].ends_with("they differ in transaction_type, item_id, time"),
            "{other_item:?}"
        );
    }

    #[test]
    fn a_record_that_is_sent_again_is_ignored_by_all_rules() {
        let mut account = TestAccount::with(&[]);
        for _ in 0..20 {
            for id in ["a", "b", "c"] {
                assert!(account.at(7, usd(id, "5.00")).is_empty());
            }
        }
        let mut account = TestAccount::with(&[("unique_transactions", "false")]);
        let alerts = (0..20).flat_map(|_| account.at(7, usd("a", "5.00")));
        assert_eq!(alerts.count(), 1, "all count: velocity");
    }

    #[test]
    fn a_refund_that_is_larger_than_its_purchase_fires_in_either_order() {
        let (bought, back) = ((0, usd("t", "5.00")), (1_000, refund("t", "5.01 USD")));
        let reason = "transaction `t`: a refund of 5.01 USD for a purchase of 5.00 USD";
        assert_eq!(reasons(&[], &[bought, back]), [reason]);
        let (back, bought) = ((0, refund("t", "5.01 USD")), (1_000, usd("t", "5.00")));
        assert_eq!(reasons(&[], &[back, bought]), [reason]);
    }

    #[test]
    fn refunds_in_order_and_forgotten_ids_do_not_fire() {
        let exact = [(0, usd("t", "5.00")), (1_000, refund("t", "5.00 USD"))];
        assert!(reasons(&[], &exact).is_empty());
        let forgotten = [(0, usd("t", "5.00")), (3_600_000, usd("t", "6.00"))];
        assert!(reasons(&[], &forgotten).is_empty());
        let remembered = [(0, usd("t", "5.00")), (3_599_999, usd("t", "6.00"))];
        assert_eq!(reasons(&[], &remembered).len(), 1);
        let small_space = [("unique_transactions", "false")];
        assert!(reasons(&small_space, &remembered).is_empty());
        let own_id = [(0, usd("t", "5.00")), (1, refund("r", "9.00 USD"))];
        assert!(reasons(&[], &own_id).is_empty());
    }

    #[test]
    fn an_id_fires_once_while_it_is_remembered() {
        let hour = 3_600_000;
        let account = [
            (0, usd("t", "5.00")),
            (1, usd("t", "6.00")),
            (2, usd("t", "7.00")),
            (3, refund("t", "9.00 USD")),
            (4, usd("u", "1.00")),
            (5, usd("u", "2.00")),
            (hour + 4, usd("t", "8.00")),
            (hour + 5, usd("t", "9.00")),
        ];
        let about: Vec<_> = reasons(&[], &account)
            .iter()
            .map(|reason| reason[13..14].to_owned())
            .collect();
        assert_eq!(about, ["t", "u", "t"]);
    }

    #[test]
    fn conflicts_of_one_time_are_one_alert() {
        let mut account = TestAccount::with(&[]);
        for id in ["a", "b"] {
            account.at(0, usd(id, "1.00"));
        }
        let first = account.of(RULE, 9, usd("a", "2.00")).expect("an alert");
        let second = account.of(RULE, 9, usd("b", "2.00")).expect("an alert");
        assert_eq!((first.revision, second.revision), (0, 1));
        assert_eq!(second.transaction_ids, ["a", "b"]);
    }

    #[test]
    fn a_heavy_spender_with_unique_ids_raises_no_alert() {
        let transaction = |index: i64| (index * 20_000, usd(&index.to_string(), "99.99"));
        let bought: Vec<_> = (0..400).map(transaction).collect();
        assert!(reasons(&[], &bought).is_empty());
    }
}
