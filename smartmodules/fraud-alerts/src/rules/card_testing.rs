//! `card-testing`: several small purchases followed by a large one: is the stolen card good?

use model::derived::Evidence;
use model::{ParamError, Params, decimal};

use super::{Rule, ids};
use crate::alarm::Suspicion;
use crate::history::{Entry, History, Transaction};
use crate::parameters::{self, Amounts};

/// Fires at the large purchase. A small one is evidence once: after an alert it takes `n` more.
#[derive(Clone, Debug)]
pub(crate) struct CardTesting {
    n: u64,
    small: Amounts,
    large: Amounts,
    window_ms: i64,
}

impl CardTesting {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        let small_text = params.get("card_testing_small", "an amount", "1.00".to_owned())?;
        let small = parameters::amounts(params, "card_testing_small", "1.00")?;
        let large = parameters::amounts(params, "card_testing_large", "50.00")?;
        if small.exceeds(&large).is_some() {
            let expected = "an amount that is in no currency above `card_testing_large`";
            return Err(parameters::invalid(
                "card_testing_small",
                small_text,
                expected,
            ));
        }
        Ok(Self {
            n: parameters::count(params, "card_testing_n", 3)?,
            small,
            large,
            window_ms: parameters::window_ms(params, "card_testing_window_s", 600)?,
        })
    }

    fn is_small(&self, transaction: &Transaction) -> bool {
        transaction.is_purchase()
            && transaction.amount_minor < self.small.minor(&transaction.currency)
    }

    fn is_large(&self, transaction: &Transaction) -> bool {
        transaction.is_purchase()
            && transaction.amount_minor >= self.large.minor(&transaction.currency)
    }

    fn suspicion(&self, tests: &[&Entry], large: &Entry) -> Option<Suspicion> {
        let count = tests.len() as u64;
        let (purchase, window_s) = (&large.transaction, self.window_ms / 1_000);
        let small = self.small.text(&purchase.currency);
        let mut transaction_ids = ids(tests.iter().copied());
        transaction_ids.push(purchase.id.clone());
        Some(Suspicion {
            start: tests.last()?.time,
            transaction_ids,
            // 0.75 for `n` small purchases, towards 1 for many.
            score: decimal::ratio((4 * count - self.n).into(), (4 * count).into(), 3),
            reason: format!(
                "a purchase of {} after {count} small ones (below {small} {}) in {window_s} s",
                purchase.price(),
                purchase.currency
            ),
            evidence: Evidence::CardTesting {
                small_purchases: count,
                amount: purchase.amount(),
                currency: purchase.currency.clone(),
                n: self.n,
                small,
                large: self.large.text(&purchase.currency),
                window_s,
            },
        })
    }
}

impl Rule for CardTesting {
    fn window_ms(&self) -> i64 {
        self.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        let large = history
            .newest()
            .filter(|newest| self.is_large(&newest.transaction))?;
        let is_test = |entry: &Entry| !entry.is_test && self.is_small(&entry.transaction);
        let tests: Vec<_> = history
            .within(large.time, self.window_ms)
            .filter(|entry| is_test(entry))
            .collect();
        if (tests.len() as u64) < self.n {
            return None;
        }
        let suspicion = self.suspicion(&tests, large);
        let now = large.time;
        let found = history.within_mut(now, self.window_ms);
        found
            .filter(|entry| is_test(entry))
            .for_each(|entry| entry.is_test = true);
        suspicion
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Course, purchase, refund};
    use model::derived::{Evidence, FraudRule};

    const RULE: FraudRule = FraudRule::CardTesting;

    /// After a small purchase at each of these times, with other rules out of the way.
    fn after(times: &[i64]) -> Course {
        let mut course = Course::with(&[("velocity_n", "999"), ("amount_spike_m", "999")]);
        for time in times {
            let small = purchase(&time.to_string(), "0.99 USD", "PC");
            assert!(course.at(*time, small).is_empty());
        }
        course
    }

    #[test]
    fn three_small_ones_and_a_large_one_fire() {
        let mut course = after(&[0, 1_000, 2_000]);
        let alert = course.only(RULE, 599_999, purchase("large", "50.00 USD", "PC"));
        assert_eq!(
            alert.reason,
            "a purchase of 50.00 USD after 3 small ones (below 1.00 USD) in 600 s"
        );
        assert_eq!(alert.transaction_ids, ["0", "1000", "2000", "large"]);
        assert_eq!(alert.span.start.as_millis(), 0);
        assert_eq!(alert.score, 0.75);
        let Evidence::CardTesting {
            small_purchases, ..
        } = alert.evidence
        else {
            panic!("{:?}", alert.evidence)
        };
        assert_eq!(small_purchases, 3);
    }

    #[test]
    fn narrowly_no_card_testing() {
        let large = || purchase("large", "50.00 USD", "PC");
        assert!(after(&[0, 1_000]).at(2_000, large()).is_empty());
        assert!(after(&[0, 1_000, 2_000]).at(600_000, large()).is_empty());
        let nearly = purchase("large", "49.99 USD", "PC");
        assert!(after(&[0, 1_000, 2_000]).at(3_000, nearly).is_empty());
        let mut course = after(&[0, 1_000]);
        course.at(2_000, purchase("no test", "1.00 USD", "PC"));
        assert!(course.at(3_000, large()).is_empty());
        let mut course = after(&[0, 1_000]);
        course.at(2_000, refund("no purchase", "0.50 USD"));
        assert!(course.at(3_000, large()).is_empty());
        let back = refund("no purchase", "50.00 USD");
        assert!(after(&[0, 1_000, 2_000]).at(3_000, back).is_empty());
    }

    #[test]
    fn the_large_one_must_come_last() {
        let mut course = after(&[]);
        course.at(0, purchase("large", "50.00 USD", "PC"));
        for time in [1, 2, 3] {
            let small = purchase(&time.to_string(), "0.50 USD", "PC");
            assert!(course.at(time, small).is_empty());
        }
    }

    #[test]
    fn after_an_alert_it_takes_as_many_small_ones_again() {
        let mut course = after(&[0, 1, 2]);
        let large = |id| purchase(id, "60.00 USD", "PC");
        assert!(course.of(RULE, 10, large("a")).is_some());
        assert!(course.of(RULE, 11, large("b")).is_none());
        for time in [12, 13] {
            course.at(time, purchase(&time.to_string(), "0.50 USD", "PC"));
        }
        assert!(course.of(RULE, 14, large("c")).is_none());
        course.at(15, purchase("15", "0.50 USD", "PC"));
        let alert = course.of(RULE, 16, large("d")).expect("an alert");
        assert_eq!(alert.transaction_ids, ["12", "13", "15", "d"]);
        assert_eq!(alert.span.start.as_millis(), 12);
    }

    #[test]
    fn a_collector_of_cheap_things_who_buys_a_bundle_later_is_none() {
        let mut course = after(&[0, 300_000, 600_000, 900_000]);
        let bundle = purchase("bundle", "99.99 USD", "PC");
        assert!(course.at(1_200_000, bundle).is_empty());
    }
}
