//! `amount-spike`: one purchase far above the user's own mean, or above a limit for anybody.

use model::derived::Evidence;
use model::{ParamError, Params, decimal, money};

use super::{Rule, score_of_excess};
use crate::alarm::Suspicion;
use crate::history::{Entry, History};
use crate::parameters::{self, Amounts, Factor};

/// Every purchase is judged by itself.
#[derive(Clone, Debug)]
pub(crate) struct AmountSpike {
    k: Factor,
    m: u64,
    limit: Amounts,
    window_ms: i64,
}

/// The user's earlier purchases in the currency of the newest.
struct Earlier {
    count: u64,
    sum_minor: i128,
}

impl AmountSpike {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            k: parameters::factor(params, "amount_spike_k", Factor::thousandths(10_000))?,
            m: parameters::count(params, "amount_spike_m", 3)?,
            limit: parameters::amounts(params, "amount_spike_limit", "500.00")?,
            window_ms: parameters::window_ms(params, "amount_spike_window_s", 3_600)?,
        })
    }

    fn earlier(&self, history: &History, newest: &Entry) -> Earlier {
        let entries = history.within(newest.time, self.window_ms).skip(1);
        let alike = entries.map(|entry| &entry.transaction).filter(|earlier| {
            earlier.is_purchase() && earlier.currency == newest.transaction.currency
        });
        let none = Earlier {
            count: 0,
            sum_minor: 0,
        };
        alike.fold(none, |earlier, purchase| Earlier {
            count: earlier.count + 1,
            sum_minor: earlier.sum_minor + i128::from(purchase.amount_minor),
        })
    }

    /// Score and words, if the purchase is `k` times the mean: amount · count ≥ k · sum.
    fn above_mean(&self, newest: &Entry, earlier: &Earlier) -> Option<(f64, String)> {
        let Earlier { count, sum_minor } = *earlier;
        let amount = i128::from(newest.transaction.amount_minor) * i128::from(count);
        // Of a mean of 0 everything is any number of times.
        if count < self.m || sum_minor == 0 || !self.k.is_reached(amount, sum_minor) {
            return None;
        }
        let score = score_of_excess(self.k.times(sum_minor), amount * 1_000);
        let currency = &newest.transaction.currency;
        let mean = mean(earlier, currency)?;
        Some((
            score,
            format!(
                "at least {} times the mean {mean} {currency} of {count} earlier purchases in {} s",
                self.k.as_f64(),
                self.window_ms / 1_000
            ),
        ))
    }

    /// Score and words, if the purchase reaches the limit.
    fn above_limit(&self, newest: &Entry) -> Option<(f64, String)> {
        let (amount, currency) = (
            newest.transaction.amount_minor,
            &newest.transaction.currency,
        );
        let limit = self.limit.minor(currency);
        let text = || {
            format!(
                "at least the limit of {} {currency}",
                self.limit.text(currency)
            )
        };
        (amount >= limit).then(|| (score_of_excess(limit.into(), amount.into()), text()))
    }
}

fn mean(earlier: &Earlier, currency: &str) -> Option<String> {
    let mean = |count| decimal::divide(earlier.sum_minor, i128::from(count));
    (earlier.count > 0).then(|| money::format(mean(earlier.count), currency))
}

impl Rule for AmountSpike {
    fn window_ms(&self) -> i64 {
        self.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        let newest = history
            .newest()
            .filter(|newest| newest.transaction.is_purchase())?;
        let earlier = self.earlier(history, newest);
        let found = [self.above_limit(newest), self.above_mean(newest, &earlier)];
        let (scores, words): (Vec<_>, Vec<_>) = found.into_iter().flatten().unzip();
        let score = scores.into_iter().reduce(f64::max)?;
        let purchase = &newest.transaction;
        Some(Suspicion {
            start: newest.time,
            transaction_ids: vec![purchase.id.clone()],
            score,
            reason: format!(
                "a purchase of {}: {}",
                purchase.price(),
                words.join(", and ")
            ),
            evidence: Evidence::AmountSpike {
                amount: purchase.amount(),
                currency: purchase.currency.clone(),
                earlier_purchases: earlier.count,
                mean: mean(&earlier, &purchase.currency),
                k: self.k.as_f64(),
                m: self.m,
                limit: self.limit.text(&purchase.currency),
                window_s: self.window_ms / 1_000,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Course, purchase, refund};
    use model::derived::FraudRule;

    const RULE: FraudRule = FraudRule::AmountSpike;

    /// After a purchase of each price, a minute apart.
    fn after(prices: &[&str]) -> Course {
        let mut course = Course::with(&[]);
        for (minute, price) in prices.iter().enumerate() {
            let minute = minute as i64;
            let bought = purchase(&minute.to_string(), price, "PC");
            assert_eq!(course.of(RULE, minute * 60_000, bought), None);
        }
        course
    }

    #[test]
    fn ten_times_the_mean_fires_to_the_cent() {
        let earlier = ["4.00 USD", "5.00 USD", "6.01 USD"]; // ten times their mean is 50.0333…
        let alert = after(&earlier).of(RULE, 3_000_000, purchase("big", "50.03 USD", "PC"));
        assert_eq!(alert, None);
        let mut course = after(&earlier);
        let alert = course.only(RULE, 3_000_000, purchase("big", "50.04 USD", "PC"));
        assert_eq!(
            alert.reason,
            "a purchase of 50.04 USD: at least 10 times the mean 5.00 USD of 3 earlier purchases in 3600 s"
        );
        assert_eq!(alert.score, 0.5);
        assert_eq!(alert.transaction_ids, ["big"]);
        assert_eq!(alert.span.start.as_millis(), 3_000_000);
    }

    #[test]
    fn two_purchases_make_no_mean() {
        let mut course = after(&["1.00 USD", "1.00 USD"]);
        assert_eq!(
            course.of(RULE, 300_000, purchase("a", "499.99 USD", "PC")),
            None
        );
    }

    #[test]
    fn the_mean_is_of_the_last_hour_in_the_same_currency_and_of_purchases() {
        let cheap = ["1.00 USD", "1.00 USD", "1.00 USD"];
        let big = || purchase("big", "400.00 USD", "PC");
        assert!(after(&cheap).of(RULE, 3_599_999, big()).is_some());
        assert_eq!(after(&cheap).of(RULE, 3_600_000, big()), None);
        let mixed = ["1.00 USD", "1.00 USD", "1.00 EUR"];
        assert_eq!(after(&mixed).of(RULE, 400_000, big()), None);
        let mut course = after(&["1.00 USD", "1.00 USD"]);
        course.at(200_000, refund("r", "1.00 USD"));
        assert_eq!(course.of(RULE, 400_000, big()), None);
    }

    #[test]
    fn free_items_make_no_mean_to_exceed() {
        let mut course = after(&["0 USD", "0 USD", "0 USD"]);
        assert_eq!(
            course.of(RULE, 400_000, purchase("a", "4.99 USD", "PC")),
            None
        );
        assert_eq!(course.of(RULE, 400_001, purchase("b", "0 USD", "PC")), None);
    }

    #[test]
    fn the_limit_holds_for_the_first_purchase_in_the_currency_of_the_purchase() {
        let mut course = Course::with(&[("amount_spike_limit", "500.00 JPY=75000")]);
        assert_eq!(course.of(RULE, 0, purchase("a", "499.99 USD", "PC")), None);
        assert_eq!(course.of(RULE, 1, purchase("b", "74999 JPY", "PC")), None);
        assert_eq!(course.of(RULE, 2, purchase("c", "499.999 KWD", "PC")), None);
        assert_eq!(course.of(RULE, 3, refund("d", "9999.00 USD")), None);
        let alert = course.of(RULE, 4, purchase("e", "75000 JPY", "PC"));
        let reason = alert.expect("an alert").reason;
        assert_eq!(
            reason,
            "a purchase of 75000 JPY: at least the limit of 75000 JPY"
        );
        let alert = course.of(RULE, 5, purchase("f", "1000.00 USD", "PC"));
        assert_eq!(alert.expect("an alert").score, 0.75);
    }

    #[test]
    fn each_spike_is_an_alert_and_those_of_one_time_are_one() {
        let mut course = after(&["1.00 USD", "1.00 USD", "1.00 USD"]);
        let mut spike = |ms, id| course.of(RULE, ms, purchase(id, "600.00 USD", "PC"));
        assert_eq!(spike(200_000, "a").expect("an alert").revision, 0);
        assert_eq!(spike(200_001, "b").expect("an alert").revision, 0);
        let again = spike(200_001, "c").expect("an alert");
        assert_eq!((again.revision, again.transactions), (1, 2));
        assert_eq!(again.transaction_ids, ["b", "c"]);
    }

    #[test]
    fn a_whale_with_a_taste_for_the_dear_is_none() {
        let mut course = Course::with(&[]);
        for index in 0..120 {
            let price = ["99.99 USD", "49.99 USD", "9.99 USD"][index % 3];
            let purchase = purchase(&index.to_string(), price, "PC");
            assert!(course.at(index as i64 * 25_000, purchase).is_empty());
        }
    }
}
