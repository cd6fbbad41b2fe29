//! The rules' parameters: what they are called, and how their texts are read.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use model::money::{self, minor_digits};
use model::{ParamError, Params, decimal};

use crate::history::TRANSACTIONS_MAX;

/// All parameters there are.
pub(crate) const NAMES: &[&str] = &[
    "rule_version",
    "unique_transactions",
    "velocity_n",
    "velocity_window_s",
    "amount_spike_k",
    "amount_spike_m",
    "amount_spike_limit",
    "amount_spike_window_s",
    "card_testing_n",
    "card_testing_small",
    "card_testing_large",
    "card_testing_window_s",
    "refund_abuse_n",
    "refund_abuse_r",
    "refund_abuse_window_s",
    "multi_currency_n",
    "multi_currency_window_s",
    "multi_platform_n",
    "multi_platform_window_s",
    "transaction_conflict_window_s",
];

/// A day: what a rule looks back on is kept of every user.
const WINDOW_S_MAX: i64 = 86_400;

/// A count of transactions; one more of them must fit into what is kept of a user.
pub(crate) fn count(params: &Params, name: &str, default: u64) -> Result<u64, ParamError> {
    let expected = "a whole number from 1 to 999";
    let count = params.get(name, expected, default)?;
    if (1..TRANSACTIONS_MAX as u64).contains(&count) {
        return Ok(count);
    }
    Err(invalid(name, count, expected))
}

/// A window in seconds, as milliseconds.
pub(crate) fn window_ms(params: &Params, name: &str, default_s: i64) -> Result<i64, ParamError> {
    let expected = "a whole number of seconds from 1 to 86400";
    let seconds = params.get(name, expected, default_s)?;
    if (1..=WINDOW_S_MAX).contains(&seconds) {
        return Ok(seconds * 1_000);
    }
    Err(invalid(name, seconds, expected))
}

/// A factor above 0.
pub(crate) fn factor(params: &Params, name: &str, default: Factor) -> Result<Factor, ParamError> {
    params.get(
        name,
        "a number above 0 and up to 1000000 with at most three decimals",
        default,
    )
}

/// Amounts above 0.
pub(crate) fn amounts(params: &Params, name: &str, default: &str) -> Result<Amounts, ParamError> {
    let expected = "an amount above 0 with at most four decimals such as `500.00`, and for currencies of another scale their own: `500.00 JPY=75000`";
    let default = default
        .parse()
        .map_err(|_| invalid(name, default, expected))?;
    params.get(name, expected, default)
}

pub(crate) fn invalid(name: &str, value: impl Display, expected: &'static str) -> ParamError {
    ParamError::Invalid {
        name: name.to_owned(),
        value: value.to_string(),
        expected,
    }
}

/// A positive number in thousandths, so that comparisons are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor(i128);

impl Factor {
    const MAX: i64 = 1_000_000_000;

    pub(crate) const fn thousandths(thousandths: i128) -> Self {
        Self(thousandths)
    }

    /// Whether `numerator` / `denominator` is at least this; if the denominator is 0, whatever it is.
    pub(crate) fn is_reached(self, numerator: i128, denominator: i128) -> bool {
        numerator * 1_000 >= self.0 * denominator
    }

    /// `value` times this, in thousandths.
    pub(crate) fn times(self, value: i128) -> i128 {
        self.0 * value
    }

    pub(crate) fn as_f64(self) -> f64 {
        decimal::ratio(self.0, 1_000, 3)
    }
}

impl FromStr for Factor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match positive(text, 3)? {
            thousandths @ 1..=Self::MAX => Ok(Self(thousandths.into())),
            _ => Err(()),
        }
    }
}

/// An amount for all currencies, in each of them the same figure, and others for some of them. There
/// are no exchange rates here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Amounts {
    /// In 10^-[`DIGITS`] of a currency's unit.
    usual: i64,
    of: BTreeMap<String, i64>,
}

/// As many minor digits as any currency has.
const DIGITS: u32 = 4;

impl Amounts {
    /// The least amount in the currency's minor units that is not below it.
    pub(crate) fn minor(&self, currency: &str) -> i64 {
        let amount = *self.of.get(currency).unwrap_or(&self.usual);
        let unit = 10_i64.pow(DIGITS - minor_digits(currency).min(DIGITS));
        amount / unit + i64::from(amount % unit > 0)
    }

    /// The same as a decimal string.
    pub(crate) fn text(&self, currency: &str) -> String {
        money::format(self.minor(currency).into(), currency)
    }

    /// A currency in which this is more than `other`; an empty text stands for all that neither names.
    pub(crate) fn exceeds(&self, other: &Self) -> Option<String> {
        let currencies = self.of.keys().chain(other.of.keys()).cloned();
        let mut all = std::iter::once(String::new()).chain(currencies);
        all.find(|currency| {
            let of = |amounts: &Self| *amounts.of.get(currency).unwrap_or(&amounts.usual);
            of(self) > of(other)
        })
    }
}

impl FromStr for Amounts {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        let usual = positive(words.next().ok_or(())?, DIGITS)?;
        let mut of = BTreeMap::new();
        for word in words {
            let (currency, amount) = word.split_once('=').ok_or(())?;
            if currency.is_empty() {
                return Err(());
            }
            let amount = positive(amount, DIGITS)?;
            if of.insert(currency.to_owned(), amount).is_some() {
                return Err(());
            }
        }
        Ok(Self { usual, of })
    }
}

/// A plain decimal above 0 with at most so many decimals, as a whole number of the last of them.
fn positive(text: &str, decimals: u32) -> Result<i64, ()> {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(integer) || !digits(fraction) || fraction.len() > decimals as usize {
        return Err(());
    }
    decimal::scaled(text, decimals)
        .filter(|value| *value > 0)
        .ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn refused(name: &str, value: &str) -> String {
        let params = [(name, value)].into_iter().collect();
        let error = Rules::from_params(&params).err();
        error.map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn wrong_values_are_named() {
        let wrong: [(&[&str], &[&str]); 4] = [
            (&["n", "m"], &["", "0", "1000", "-1", "1.5", "many"]),
            (&["s"], &["", "0", "86401", "60s", "-1"]),
            (
                &["k", "r"],
                &["0", "-1", "1.0001", "1e3", "1000000.001", ".5", "x"],
            ),
            (
                &["limit", "small", "large"],
                &[
                    "",
                    "0",
                    "-1",
                    "1.00001",
                    "1e3",
                    "5 USD",
                    "5 =1",
                    "5 USD=0",
                    "5  USD=1",
                    "5 USD=1 USD=2",
                    "99999999999999999999",
                ],
            ),
        ];
        for name in &NAMES[2..] {
            let suffix = name.rsplit('_').next().expect("a word");
            let values = wrong
                .iter()
                .find(|(suffixes, _)| suffixes.contains(&suffix));
            for value in values.unwrap_or_else(|| panic!("{name} is not tried")).1 {
                let error = refused(name, value);
                assert!(
                    error.contains(&format!("`{name}` is `{value}`")),
                    "{name}={value}: {error}"
                );
            }
        }
        assert!(refused("unique_transactions", "perhaps").contains("`perhaps`"));
    }

    #[test]
    fn a_small_purchase_is_below_a_large_one() {
        let error = refused("card_testing_small", "50.01");
        assert!(error.contains("`card_testing_small` is `50.01`"), "{error}");
        let error = refused("card_testing_small", "1.00 JPY=7500");
        assert!(
            error.contains("`card_testing_small` is `1.00 JPY=7500`"),
            "{error}"
        );
        assert_eq!(refused("card_testing_small", "50.00"), "");
    }

    #[test]
    fn amounts_are_in_the_currency_of_the_transaction() {
        let amounts: Amounts = "500.00 JPY=75000 BHD=0.0001".parse().expect("amounts");
        assert_eq!(amounts.minor("USD"), 50_000);
        assert_eq!(amounts.minor("KWD"), 500_000);
        assert_eq!(amounts.minor("KRW"), 500);
        assert_eq!(amounts.minor("JPY"), 75_000);
        assert_eq!(amounts.minor("BHD"), 1, "the least amount not below it");
        assert_eq!(amounts.text("USD"), "500.00");
        assert_eq!(amounts.text("JPY"), "75000");
    }

    #[test]
    fn factors_compare_exactly() {
        let third: Factor = "0.333".parse().expect("a factor");
        assert!(third.is_reached(333, 1_000) && !third.is_reached(332_999, 1_000_000));
        assert!(third.is_reached(3, 0));
        assert_eq!("10".parse(), Ok(Factor::thousandths(10_000)));
        assert_eq!(Factor::thousandths(500).as_f64(), 0.5);
    }
}
