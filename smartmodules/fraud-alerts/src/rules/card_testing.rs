//! `card-testing`: several small purchases followed by a large one, as when a thief tests a stolen card.

use model::derived::Evidence;
use model::{ParamError, Params, decimal};

use super::{Rule, ids};
use crate::alarm::Suspicion;
use crate::amounts::Amounts;
use crate::history::{Entry, History, Transaction};
use crate::parameters;

const SMALL: &str = "card_testing_small";
const LARGE: &str = "card_testing_large";

/// The rule `card-testing`. It fires at the large purchase. Each small purchase is evidence for only one
/// alert; the next alert needs `n` more.
#[derive(Clone, Debug)]
pub(crate) struct CardTesting {
    n: u64,
    small: Amounts,
    large: Amounts,
    window_ms: i64,
}

impl CardTesting {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        let small = parameters::amounts(params, SMALL, 1)?;
        let large = parameters::amounts(params, LARGE, 50)?;
        if let Some(currency) = small.exceeds(&large) {
            return Err(ParamError::Refused {
                name: SMALL.to_owned(),
                value: params.get(SMALL, "amounts", String::from("worth 1 USD"))?,
                problem: format!(
                    "in `{currency}` it is above `{LARGE}`: lower one or raise the other"
                ),
            });
        }
        Ok(Self {
            n: parameters::count(params, "card_testing_n", 3)?,
            small,
            large,
            window_ms: parameters::window_ms(params, "card_testing_window_s", 600)?,
        })
    }

    /// Returns whether a purchase is small. A large purchase is never small, whatever the parameters.
    fn is_small(&self, transaction: &Transaction) -> bool {
        let small = self.small.minor(&transaction.currency);
        transaction.is_purchase()
            && small.is_some_and(|small| transaction.amount_minor < small)
            && !self.is_large(transaction)
    }

    fn is_large(&self, transaction: &Transaction) -> bool {
        let large = self.large.minor(&transaction.currency);
        transaction.is_purchase() && large.is_some_and(|large| transaction.amount_minor >= large)
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
            // The score is 0.75 for `n` small purchases and approaches 1 for many.
            score: decimal::ratio((4 * count - self.n).into(), (4 * count).into(), 3),
            reason: format!(
                "a purchase of {} after {count} small ones{} in {window_s} s",
                purchase.price(),
                small.as_ref().map_or(String::new(), |small| format!(
                    " (below {small} {})",
                    purchase.currency
                ))
            ),
            evidence: Evidence::CardTesting {
                small_purchases: count,
                amount: purchase.amount(),
                currency: purchase.currency.clone(),
                n: self.n,
                small,
                large: self.large.text(&purchase.currency)?,
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
    use crate::alarm::Alert;
    use crate::rules::testing::{TestAccount, purchase, refund};
    use model::derived::{Evidence, FraudRule};

    const RULE: FraudRule = FraudRule::CardTesting;

    /// Creates a sequence with a small purchase at each of these times. No rule fires in it. The parameters keep other
    /// rules from firing later.
    fn after(times: &[i64]) -> TestAccount {
        let mut account = TestAccount::with(&[("velocity_n", "999"), ("amount_spike_m", "999")]);
        for time in times {
            let small = purchase(&time.to_string(), "0.99 USD", "PC");
            assert!(account.at(*time, small).is_empty());
        }
        account
    }

    #[test]
    fn three_small_ones_and_a_large_one_fire() {
        let mut account = after(&[0, 1_000, 2_000]);
        let alert = account.only(RULE, 599_999, purchase("large", "50.00 USD", "PC"));
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
    fn just_below_each_threshold_it_does_not_fire() {
        let large = || purchase("large", "50.00 USD", "PC");
        assert!(after(&[0, 1_000]).at(2_000, large()).is_empty());
        assert!(after(&[0, 1_000, 2_000]).at(600_000, large()).is_empty());
        let nearly = purchase("large", "49.99 USD", "PC");
        assert!(after(&[0, 1_000, 2_000]).at(3_000, nearly).is_empty());
        let mut account = after(&[0, 1_000]);
        account.at(2_000, purchase("no test", "1.00 USD", "PC"));
        assert!(account.at(3_000, large()).is_empty());
        let mut account = after(&[0, 1_000]);
        account.at(2_000, refund("no purchase", "0.50 USD"));
        assert!(account.at(3_000, large()).is_empty());
        let back = refund("no purchase", "50.00 USD");
        assert!(after(&[0, 1_000, 2_000]).at(3_000, back).is_empty());
    }

    /// Makes three small purchases of the same price, then a large one. Returns the alert, if any.
    fn tests_a_card(params: &[(&str, &str)], small: &str, large: &str) -> Option<Alert> {
        let mut account = TestAccount::with(params);
        for time in [0, 1, 2] {
            let small = purchase(&time.to_string(), small, "PC");
            assert_eq!(account.of(RULE, time, small), None);
        }
        account.of(RULE, 3, purchase("large", large, "PC"))
    }

    #[test]
    fn small_and_large_depend_on_the_currency() {
        for (small, large) in [
            ("149 JPY", "7500 JPY"),
            ("0.89 EUR", "45 EUR"),
            ("25999 VND", "1300000 VND"),
            ("0.379 BHD", "19 BHD"),
            ("149 JPY", "50 USD"),
        ] {
            assert!(
                tests_a_card(&[], small, large).is_some(),
                "{small}, {large}"
            );
        }
        for (small, large) in [
            ("150 JPY", "7500 JPY"),
            ("149 JPY", "7499 JPY"),
            ("0.50 USD", "600 JPY"),
            ("0.50 USD", "24000 VND"),
            ("0.50 GEM", "99999 GEM"),
        ] {
            assert_eq!(tests_a_card(&[], small, large), None, "{small}, {large}");
        }
    }

    #[test]
    fn without_an_amount_no_purchase_is_small_and_a_large_one_never_is() {
        let none = [("card_testing_small", "USD none")];
        assert_eq!(tests_a_card(&none, "0.50 USD", "60 USD"), None);
        let alert = tests_a_card(&none, "100 JPY", "60 USD").expect("an alert");
        assert_eq!(
            alert.reason,
            "a purchase of 60.00 USD after 3 small ones in 600 s"
        );
        // The limit for large purchases is the same number, 50, in every currency; the limit for small purchases is
        // worth a dollar in each. So amounts below 150 yen would be small, but those from 50 yen on are large, and a
        // large purchase is never small.
        let mixed = [("card_testing_large", "50.00"), ("card_testing_n", "4")];
        assert_eq!(
            tests_a_card(&mixed, "49 JPY", "60 JPY"),
            None,
            "three, not four"
        );
    }

    #[test]
    fn the_large_one_must_come_last() {
        let mut account = after(&[]);
        account.at(0, purchase("large", "50.00 USD", "PC"));
        for time in [1, 2, 3] {
            let small = purchase(&time.to_string(), "0.50 USD", "PC");
            assert!(account.at(time, small).is_empty());
        }
    }

    #[test]
    fn after_an_alert_as_many_small_purchases_are_needed_again() {
        let mut account = after(&[0, 1, 2]);
        let large = |id| purchase(id, "60.00 USD", "PC");
        assert!(account.of(RULE, 10, large("a")).is_some());
        assert!(account.of(RULE, 11, large("b")).is_none());
        for time in [12, 13] {
            account.at(time, purchase(&time.to_string(), "0.50 USD", "PC"));
        }
        assert!(account.of(RULE, 14, large("c")).is_none());
        account.at(15, purchase("15", "0.50 USD", "PC"));
        let alert = account.of(RULE, 16, large("d")).expect("an alert");
        assert_eq!(alert.transaction_ids, ["12", "13", "15", "d"]);
        assert_eq!(alert.span.start.as_millis(), 12);
    }

    #[test]
    fn a_collector_of_cheap_items_who_buys_a_bundle_later_raises_no_alert() {
        let mut account = after(&[0, 300_000, 600_000, 900_000]);
        let bundle = purchase("bundle", "99.99 USD", "PC");
        assert!(account.at(1_200_000, bundle).is_empty());
    }
}
