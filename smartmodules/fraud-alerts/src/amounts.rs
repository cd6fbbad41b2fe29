//! Amounts by currency: parses the limits in parameters, and computes the limit for each currency.
//!
//! A parameter is a list of entries separated by commas. `JPY 75000` and `JPY none` set one currency. `worth
//! 500 USD` and `others 500.00` set all currencies without an entry of their own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::decimal;
use model::money::{self, minor_digits};
use model::worth;

/// The largest number of minor digits of any currency.
const DIGITS: u32 = 4;
/// The largest amount that a parameter may set: 100,000,000,000 units of the currency.
const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// An amount for each currency that has one. Amounts are integers in 10^-[`DIGITS`] of the currency's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Amounts {
    usual: Usual,
    /// The amounts by upper-case currency code; `None` means that the currency has no amount.
    of: BTreeMap<String, Option<i64>>,
}

/// The amount for currencies without an entry of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usual {
    /// The equivalent of this amount in US dollars, for each currency whose exchange rate is known.
    Worth(i64),
    /// The same number in each currency; `None` means that none of them has an amount.
    Number(Option<i64>),
}

impl Usual {
    fn of(self, currency: &str) -> Option<i64> {
        match self {
            Self::Number(amount) => amount,
            Self::Worth(dollars) => {
                let hundred = worth::of_hundred_dollars(currency)?;
                let amount = (i128::from(dollars) * hundred + 99) / 100;
                Some(i64::try_from(amount).unwrap_or(i64::MAX))
            }
        }
    }
}

impl Amounts {
    /// Parses a parameter. Currencies that it does not mention get the equivalent of `dollars`. The error
    /// names the invalid entry and what is wrong with it.
    pub(crate) fn read(text: &str, dollars: u32) -> Result<Self, String> {
        let entries = match text.contains(',') {
            true => text.split(',').map(str::to_owned).collect(),
            false => entries_of_numbers(text).unwrap_or_else(|| vec![text.to_owned()]),
        };
        let (mut usual, mut of) = (None, BTreeMap::new());
        for entry in &entries {
            let is_new = match Entry::read(entry)? {
                Entry::Usual(one) => usual.replace(one).is_none(),
                Entry::Of(currency, amount) => of.insert(currency, amount).is_none(),
            };
            if !is_new {
                return Err(format!(
                    "`{}` repeats another entry: remove one of them",
                    entry.trim()
                ));
            }
        }
        let usual = usual.unwrap_or(Self::worth(dollars).usual);
        Ok(Self { usual, of })
    }

    /// Returns amounts that are the equivalent of `dollars` in every currency whose exchange rate is known.
    pub(crate) fn worth(dollars: u32) -> Self {
        let amount = i64::from(dollars) * 10_i64.pow(DIGITS);
        Self {
            usual: Usual::Worth(amount),
            of: BTreeMap::new(),
        }
    }

    /// Returns the amount in the currency's minor units, rounded up; `None` if the currency has no amount.
    pub(crate) fn minor(&self, currency: &str) -> Option<i64> {
        let amount = self.of(currency)?;
        let unit = 10_i64.pow(DIGITS - minor_digits(currency).min(DIGITS));
        Some(amount / unit + i64::from(amount % unit > 0))
    }

    /// Returns the amount as a decimal string with the currency's minor digits; `None` if the currency has no
    /// amount.
    pub(crate) fn text(&self, currency: &str) -> Option<String> {
        let minor = self.minor(currency)?;
        Some(money::format(minor.into(), currency))
    }

    fn of(&self, currency: &str) -> Option<i64> {
        let code = code(currency);
        let named = self.of.get(code.as_ref()).copied();
        named.unwrap_or_else(|| self.usual.of(&code))
    }

    /// Returns a currency in which this amount exceeds `other`: one that either parameter names, or `others`. The
    /// amounts for all other currencies are compared only if both are dollar equivalents or both are plain numbers.
    pub(crate) fn exceeds(&self, other: &Self) -> Option<String> {
        let is_above =
            |one: Option<i64>, two: Option<i64>| one.zip(two).is_some_and(|(one, two)| one > two);
        let mut named = self.of.keys().chain(other.of.keys());
        let named = named.find(|currency| is_above(self.of(currency), other.of(currency)));
        let others = match (self.usual, other.usual) {
            (Usual::Worth(one), Usual::Worth(two)) => one > two,
            (Usual::Number(one), Usual::Number(two)) => is_above(one, two),
            _ => false,
        };
        let others = others.then(|| "others".to_owned());
        named.cloned().or(others)
    }
}

/// Parses `500.00 JPY=75000`, a number for every currency followed by exceptions for single currencies, into
/// entries such as `others 500.00` and `JPY 75000`. Returns `None` for any other text.
fn entries_of_numbers(text: &str) -> Option<Vec<String>> {
    let mut words = text.split_whitespace();
    let number = words.next().filter(|word| word.starts_with(is_digit))?;
    let own = words.map(|word| {
        let (currency, amount) = word.split_once('=')?;
        Some(format!("{currency} {amount}"))
    });
    let own: Option<Vec<_>> = own.collect();
    Some([vec![format!("others {number}")], own?].concat())
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

/// Returns the currency code in upper case, because an event with `usd` also means dollars.
fn code(currency: &str) -> Cow<'_, str> {
    if currency.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Cow::Owned(currency.to_ascii_uppercase());
    }
    Cow::Borrowed(currency)
}

/// An entry of a parameter, for one currency or for all others.
enum Entry {
    Usual(Usual),
    Of(String, Option<i64>),
}

impl Entry {
    fn read(entry: &str) -> Result<Self, String> {
        let words: Vec<&str> = entry.split_whitespace().collect();
        match words.as_slice() {
            ["worth", amount, "USD"] => Ok(Self::Usual(Usual::Worth(read(entry, amount, 2)?))),
            ["worth", ..] => Err(format!(
                "`{}` is not an amount in US dollars: write one such as `worth 500 USD`",
                entry.trim()
            )),
            ["others", "none"] => Ok(Self::Usual(Usual::Number(None))),
            ["others", amount] => {
                let amount = read(entry, amount, DIGITS)?;
                Ok(Self::Usual(Usual::Number(Some(amount))))
            }
            [currency, amount] if !currency.starts_with(is_digit) => {
                let code = code(currency).into_owned();
                let digits = minor_digits(&code);
                let amount = match *amount {
                    "none" => None,
                    amount => Some(read(entry, amount, digits)?),
                };
                Ok(Self::Of(code, amount))
            }
            _ => Err(format!(
                "`{}` is not an entry: write a currency and its amount such as `JPY 75000`, `JPY none` for no amount, \
                 `worth 500 USD` or `others none`; entries are separated by commas",
                entry.trim()
            )),
        }
    }
}

fn read(entry: &str, amount: &str, digits: u32) -> Result<i64, String> {
    positive(amount, digits)
        .and_then(|amount| amount.checked_mul(10_i64.pow(DIGITS - digits)))
        .filter(|amount| *amount <= AMOUNT_MAX)
        .ok_or_else(|| {
            format!(
                "`{amount}` in `{}` is not an amount: write a plain number above 0 and up to 100000000000 with at most \
                 {digits} decimals, or `none`",
                entry.trim()
            )
        })
}

/// Parses a plain decimal above 0 with at most `decimals` decimal places. Returns its value × 10^`decimals`.
pub(crate) fn positive(text: &str, decimals: u32) -> Option<i64> {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
    let has_point = text.len() > integer.len();
    if integer.is_empty() || has_point == fraction.is_empty() || fraction.len() > decimals as usize
    {
        return None;
    }
    let is_plain = integer.chars().chain(fraction.chars()).all(is_digit);
    let value = is_plain.then(|| decimal::scaled(text, decimals))??;
    (value > 0).then_some(value)
}

#[cfg(test)]
mod tests;
