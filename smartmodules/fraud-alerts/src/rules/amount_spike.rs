//! `amount-spike`: a purchase far above the user's own mean, or above a limit for all users.

use model::derived::Evidence;
use model::{ParamError, Params, decimal, money};

use super::{Rule, score_of_excess};
use crate::alarm::Suspicion;
use crate::amounts::Amounts;
use crate::history::{Entry, History};
use crate::parameters::{self, Factor};

/// The rule `amount-spike`. It fires for every purchase that reaches `k` times the mean, or the limit.
#[derive(Clone, Debug)]
pub(crate) struct AmountSpike {
    k: Factor,
    m: u64,
    limit: Amounts,
    window_ms: i64,
}

/// The count and sum of the user's earlier purchases in the currency of the newest purchase.
struct Earlier {
    count: u64,
    sum_minor: i128,
}

impl AmountSpike {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            k: parameters::factor(params, "amount_spike_k", Factor::thousandths(10_000))?,
            m: parameters::count(params, "amount_spike_m", 3)?,
            limit: parameters::amounts(params, "amount_spike_limit", 500)?,
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

    /// Returns the score and the reason if the purchase is at least `k` times the mean: amount · count ≥ k ·
    /// sum.
    fn above_mean(&self, newest: &Entry, earlier: &Earlier) -> Option<(f64, String)> {
        let Earlier { count, sum_minor } = *earlier;
        let amount = i128::from(newest.transaction.amount_minor) * i128::from(count);
        // With a mean of 0, any amount would be at least `k` times the mean.
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

    /// Returns the score and the reason if the purchase reaches the limit of its currency.
    fn above_limit(&self, newest: &Entry) -> Option<(f64, String)> {
        let (amount, currency) = (
            newest.transaction.amount_minor,
            &newest.transaction.currency,
        );
        let limit = self
            .limit
            .minor(currency)
            .filter(|limit| amount >= *limit)?;
        let text = money::format(limit.into(), currency);
        Some((
            score_of_excess(limit.into(), amount.into()),
            format!("at least the limit of {text} {currency}"),
        ))
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
    use crate::rules::testing::{TestAccount, purchase, refund};
    use model::derived::{Evidence, FraudRule};

    const RULE: FraudRule = FraudRule::AmountSpike;

    /// Creates a sequence of purchases with these prices, one minute apart.
    fn after(prices: &[&str]) -> TestAccount {
        let mut account = TestAccount::with(&[]);
        for (minute, price) in prices.iter().enumerate() {
            let minute = minute as i64;
            let bought = purchase(&minute.to_string(), price, "PC");
            assert_eq!(account.of(RULE, minute * 60_000, bought), None);
        }
        account
    }

    #[test]
    fn ten_times_the_mean_fires_to_the_cent() {
        let earlier = ["4.00 USD", "5.00 USD", "6.01 USD"]; // ten times the mean is 50.0333…
        let alert = after(&earlier).of(RULE, 3_000_000, purchase("big", "50.03 USD", "PC"));
        assert_eq!(alert, None);
        let mut account = after(&earlier);
        let alert = account.only(RULE, 3_000_000, purchase("big", "50.04 USD", "PC"));
        assert_eq!(
            alert.reason,
            "a purchase of 50.04 USD: at least 10 times the mean 5.00 USD of 3 earlier purchases in 3600 s"
        );
        assert_eq!(alert.score, 0.5);
        assert_eq!(alert.transaction_ids, ["big"]);
        assert_eq!(alert.span.start.as_millis(), 3_000_000);
    }

    #[test]
    fn two_purchases_are_too_few_for_a_mean() {
        let mut account = after(&["1.00 USD", "1.00 USD"]);
        assert_eq!(
            account.of(RULE, 300_000, purchase("a", "499.99 USD", "PC")),
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
        let mut account = after(&["1.00 USD", "1.00 USD"]);
        account.at(200_000, refund("r", "1.00 USD"));
        assert_eq!(account.of(RULE, 400_000, big()), None);
    }

    #[test]
    fn a_mean_of_zero_is_never_exceeded() {
        let mut account = after(&["0 USD", "0 USD", "0 USD"]);
        assert_eq!(
            account.of(RULE, 400_000, purchase("a", "4.99 USD", "PC")),
            None
        );
        assert_eq!(
            account.of(RULE, 400_001, purchase("b", "0 USD", "PC")),
            None
        );
    }

    #[test]
    fn small_change_of_any_currency_is_no_spike() {
        let prices = [
            "600 JPY",
            "24000 VND",
            "15000 IDR",
            "990 HUF",
            "9900 KRW",
            "4990 CLP",
            "899 INR",
            "600 jpy",
            "19900 COP",
            "1500 NGN",
            "999 RUB",
            "999999 GEM",
        ];
        for price in prices {
            let bought = purchase("a", price, "PC");
            assert_eq!(TestAccount::with(&[]).of(RULE, 0, bought), None, "{price}");
        }
        let large = [
            "500 USD",
            "500 usd",
            "450 EUR",
            "75000 JPY",
            "13000000 VND",
            "8000000 IDR",
            "175000 HUF",
            "150 KWD",
        ];
        for price in large {
            let bought = purchase("a", price, "PC");
            let alert = TestAccount::with(&[]).of(RULE, 0, bought);
            assert_eq!(alert.expect(price).score, 0.5, "{price}");
        }
    }

    #[test]
    fn the_mean_counts_in_a_currency_without_a_limit() {
        let mut account = TestAccount::with(&[("amount_spike_limit", "JPY none")]);
        for index in 0..3 {
            let bought = purchase(&index.to_string(), "500000 JPY", "PC");
            assert_eq!(account.of(RULE, index, bought), None);
        }
        let alert = account.of(RULE, 3, purchase("big", "5000000 JPY", "PC"));
        let Evidence::AmountSpike { limit, .. } = alert.expect("an alert").evidence else {
            panic!("of another rule");
        };
        assert_eq!(limit, None);
    }

    #[test]
    fn the_limit_holds_for_the_first_purchase_in_the_currency_of_the_purchase() {
        let mut account = TestAccount::with(&[("amount_spike_limit", "500.00 JPY=75000")]);
        assert_eq!(account.of(RULE, 0, purchase("a", "499.99 USD", "PC")), None);
        assert_eq!(account.of(RULE, 1, purchase("b", "74999 JPY", "PC")), None);
        assert_eq!(
            account.of(RULE, 2, purchase("c", "499.999 KWD", "PC")),
            None
        );
        assert_eq!(account.of(RULE, 3, refund("d", "9999.00 USD")), None);
        let alert = account.of(RULE, 4, purchase("e", "75000 JPY", "PC"));
        let reason = alert.expect("an alert").reason;
        assert_eq!(
            reason,
            "a purchase of 75000 JPY: at least the limit of 75000 JPY"
        );
        let alert = account.of(RULE, 5, purchase("f", "1000.00 USD", "PC"));
        assert_eq!(alert.expect("an alert").score, 0.75);
    }

    #[test]
    fn each_spike_is_an_alert_and_those_of_one_time_are_one() {
        let mut account = after(&["1.00 USD", "1.00 USD", "1.00 USD"]);
        let mut spike = |ms, id| account.of(RULE, ms, purchase(id, "600.00 USD", "PC"));
        assert_eq!(spike(200_000, "a").expect("an alert").revision, 0);
        assert_eq!(spike(200_001, "b").expect("an alert").revision, 0);
        let again = spike(200_001, "c").expect("an alert");
        assert_eq!((again.revision, again.transactions), (1, 2));
        assert_eq!(again.transaction_ids, ["b", "c"]);
    }

    #[test]
    fn a_big_spender_with_expensive_taste_raises_no_alert() {
        let mut account = TestAccount::with(&[]);
        for index in 0..120 {
            let price = ["99.99 USD", "49.99 USD", "9.99 USD"][index % 3];
            let purchase = purchase(&index.to_string(), price, "PC");
            assert!(account.at(index as i64 * 25_000, purchase).is_empty());
        }
    }
}
