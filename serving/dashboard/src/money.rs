//! Parses amounts of money. Derived records contain an amount as a decimal string that always has all of its currency's
//! decimal places.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

/// Converts an amount to minor units by removing the decimal point. This works for every currency, because an amount
/// has all of its currency's decimal places.
pub(crate) fn minor_units(text: &str) -> Option<i64> {
    let mut digits = text.to_owned();
    digits.retain(|letter| letter != '.');
    (text.matches('.').count() <= 1).then(|| digits.parse().ok())?
}

/// An amount from a record, in minor units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount(pub(crate) i64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let units = minor_units(&text);
        units
            .map(Self)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a decimal amount"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_the_model_are_parsed() {
        for (minor, currency) in [
            (499, "USD"),
            (-5, "EUR"),
            (1_200, "JPY"),
            (1, "BHD"),
            (0, "USD"),
        ] {
            let text = model::money::format(minor, currency);
            assert_eq!(minor_units(&text).map(i128::from), Some(minor), "{text}");
        }
        assert_eq!(
            [minor_units("x"), minor_units("1.2.3"), minor_units("")],
            [None; 3]
        );
    }
}
