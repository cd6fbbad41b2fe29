//! The names of the rules' parameters, and the parsing of their values.

use std::fmt::Display;
use std::str::FromStr;

use model::{ParamError, Params, decimal};

use crate::amounts::{Amounts, positive};
use crate::history::TRANSACTIONS_MAX;

/// The names of all parameters.
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

/// The longest window in seconds: one day. It is limited because the transactions of a window are stored for every
/// user.
const WINDOW_S_MAX: i64 = 86_400;

/// Reads a count of transactions. One more than the count must fit into a user's history.
pub(crate) fn count(params: &Params, name: &str, default: u64) -> Result<u64, ParamError> {
    let expected = "a whole number from 1 to 999";
    let count = params.get(name, expected, default)?;
    if (1..TRANSACTIONS_MAX as u64).contains(&count) {
        return Ok(count);
    }
    Err(invalid(name, count, expected))
}

/// Reads the length of a window in seconds. Returns it in milliseconds.
pub(crate) fn window_ms(params: &Params, name: &str, default_s: i64) -> Result<i64, ParamError> {
    let expected = "a whole number of seconds from 1 to 86400";
    let seconds = params.get(name, expected, default_s)?;
    if (1..=WINDOW_S_MAX).contains(&seconds) {
        return Ok(seconds * 1_000);
    }
    Err(invalid(name, seconds, expected))
}

/// Reads a factor above 0.
pub(crate) fn factor(params: &Params, name: &str, default: Factor) -> Result<Factor, ParamError> {
    params.get(
        name,
        "a number above 0 and up to 1000000 with at most three decimals",
        default,
    )
}

/// Reads amounts by currency. Without an entry for all other currencies, those that the parameter does not mention get
/// the equivalent of `dollars`, if their exchange rate is known.
pub(crate) fn amounts(params: &Params, name: &str, dollars: u32) -> Result<Amounts, ParamError> {
    let text = params.get(name, "amounts", format!("worth {dollars} USD"))?;
    Amounts::read(&text, dollars).map_err(|problem| ParamError::Refused {
        name: name.to_owned(),
        value: text,
        problem,
    })
}

pub(crate) fn invalid(name: &str, value: impl Display, expected: &'static str) -> ParamError {
    ParamError::Invalid {
        name: name.to_owned(),
        value: value.to_string(),
        expected,
    }
}

/// A positive number in thousandths. As an integer it makes comparisons exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Factor(i128);

impl Factor {
    const MAX: i64 = 1_000_000_000;

    pub(crate) const fn thousandths(thousandths: i128) -> Self {
        Self(thousandths)
    }

    /// Returns whether `numerator` / `denominator` is at least this factor. Always true if the denominator is
    /// 0.
    pub(crate) fn is_reached(self, numerator: i128, denominator: i128) -> bool {
        numerator * 1_000 >= self.0 * denominator
    }

    /// Returns `value` times this factor, in thousandths.
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
        match positive(text, 3) {
            Some(thousandths @ 1..=Self::MAX) => Ok(Self(thousandths.into())),
            _ => Err(()),
        }
    }
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
                    "5 USD",
                    "USD 5, JPY -3",
                    "JPY 600.5",
                    "USD 5, USD 6",
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
        for (small, place) in [("worth 50.01 USD", "others"), ("JPY 7501", "JPY")] {
            let message = format!(
                "`card_testing_small` is `{small}`: in `{place}` it is above `card_testing_large`"
            );
            let error = refused("card_testing_small", small);
            assert!(error.contains(&message), "{error}");
        }
        assert_eq!(refused("card_testing_small", "worth 50 USD"), "");
        // A number for every currency can be combined with dollar equivalents.
        assert_eq!(refused("card_testing_large", "50.00"), "");
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
