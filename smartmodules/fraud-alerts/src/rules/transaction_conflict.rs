//! `transaction-conflict`: one transaction id that stands for two things, or a refund larger than the
//! purchase whose id it carries.

use model::derived::{Conflict, Evidence, Statement};
use model::{ParamError, Params};

use super::{Rule, score_of_excess};
use crate::alarm::Suspicion;
use crate::history::{Entry, History, Transaction};
use crate::parameters;

/// The score of an id that stands for two things.
const DIFFERENT_CONTENT: f64 = 0.6;

/// Fires once for an id, as long as it is remembered. Where ids do not name transactions it never
/// does.
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

    /// Whether `entry` is there already: the same content, of which the time is a part.
    pub(crate) fn is_duplicate(&self, history: &History, entry: &Entry) -> bool {
        let is_same = |there: &Entry| there.transaction == entry.transaction;
        self.unique_transactions && history.within(entry.time, 1).any(is_same)
    }

    /// The earliest record that contradicts the newest one.
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

/// A refund that carries a purchase's id gives that purchase back: the same thing in the same
/// currency, all of it or less. Any other two records of an id contradict each other.
fn conflict(earlier: &Transaction, newest: &Transaction) -> Option<Conflict> {
    let is_same_thing = earlier.currency == newest.currency && earlier.item == newest.item;
    if earlier.kind == newest.kind || !is_same_thing {
        return Some(Conflict::DifferentContent);
    }
    let (purchase, refund) = in_order(earlier, newest);
    (refund.amount_minor > purchase.amount_minor).then_some(Conflict::RefundLargerThanPurchase)
}

/// Purchase and refund; one of either is given.
fn in_order<'t>(a: &'t Transaction, b: &'t Transaction) -> (&'t Transaction, &'t Transaction) {
    if a.is_purchase() { (a, b) } else { (b, a) }
}

fn statement(entry: &Entry) -> Statement {
    let transaction = &entry.transaction;
    Statement {
        transaction_type: kind(transaction).to_owned(),
        amount: transaction.amount(),
        currency: transaction.currency.clone(),
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

fn reason(id: &str, earlier: &Entry, newest: &Entry, conflict: Conflict) -> String {
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
                "transaction `{id}` stands for two things: a {} at {}, and a {} at {}",
                words(earlier),
                earlier.time,
                words(newest),
                newest.time
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
        let suspicion = Suspicion {
            start: newest.time,
            transaction_ids: vec![id.clone()],
            score: score(&earlier.transaction, &newest.transaction, conflict),
            reason: reason(&id, earlier, newest, conflict),
            evidence: Evidence::TransactionConflict {
                transaction_id: id.clone(),
                conflict,
                first: statement(earlier),
                now: statement(newest),
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
    use crate::rules::testing::{Course, purchase, refund};
    use model::derived::FraudRule;

    const RULE: FraudRule = FraudRule::TransactionConflict;

    /// The reasons of the alerts for these transactions, with other rules out of the way.
    fn reasons(params: &[(&str, &str)], transactions: &[(i64, Transaction)]) -> Vec<String> {
        let mut course = Course::with(params);
        let next =
            |(time, transaction): &(i64, Transaction)| course.of(RULE, *time, transaction.clone());
        let alerts = transactions.iter().filter_map(next);
        alerts.map(|alert| alert.reason).collect()
    }

    fn usd(id: &str, amount: &str) -> Transaction {
        purchase(id, &format!("{amount} USD"), "PC")
    }

    #[test]
    fn another_content_fires() {
        let reasons = reasons(&[], &[(0, usd("t", "5.00")), (1_000, usd("t", "6.00"))]);
        assert_eq!(
            reasons,
            [
                "transaction `t` stands for two things: a purchase of 5.00 USD at 1970-01-01T00:00:00.000Z, and a purchase of 6.00 USD at 1970-01-01T00:00:01.000Z"
            ]
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
        let mut other_item = usd("t", "5.00");
        other_item.item += 1;
        let found = reasons(&[], &[(0, usd("t", "5.00")), (0, other_item)]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_record_that_is_sent_again_is_ignored_by_all_rules() {
        let mut course = Course::with(&[]);
        for _ in 0..20 {
            for id in ["a", "b", "c"] {
                assert!(course.at(7, usd(id, "5.00")).is_empty());
            }
        }
        let mut course = Course::with(&[("unique_transactions", "false")]);
        let alerts = (0..20).flat_map(|_| course.at(7, usd("a", "5.00")));
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
    fn narrowly_no_conflict() {
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
        let course = [
            (0, usd("t", "5.00")),
            (1, usd("t", "6.00")),
            (2, usd("t", "7.00")),
            (3, refund("t", "9.00 USD")),
            (4, usd("u", "1.00")),
            (5, usd("u", "2.00")),
            (hour + 4, usd("t", "8.00")),
            (hour + 5, usd("t", "9.00")),
        ];
        let about: Vec<_> = reasons(&[], &course)
            .iter()
            .map(|reason| reason[13..14].to_owned())
            .collect();
        assert_eq!(about, ["t", "u", "t"]);
    }

    #[test]
    fn conflicts_of_one_time_are_one_alert() {
        let mut course = Course::with(&[]);
        for id in ["a", "b"] {
            course.at(0, usd(id, "1.00"));
        }
        let first = course.of(RULE, 9, usd("a", "2.00")).expect("an alert");
        let second = course.of(RULE, 9, usd("b", "2.00")).expect("an alert");
        assert_eq!((first.revision, second.revision), (0, 1));
        assert_eq!(second.transaction_ids, ["a", "b"]);
    }

    #[test]
    fn a_heavy_spender_with_ids_of_their_own_is_none() {
        let transaction = |index: i64| (index * 20_000, usd(&index.to_string(), "99.99"));
        let bought: Vec<_> = (0..400).map(transaction).collect();
        assert!(reasons(&[], &bought).is_empty());
    }
}
