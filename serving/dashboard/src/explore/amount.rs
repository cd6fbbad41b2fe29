//! Exact numbers for charts. A chart plots a number as a double, but its tooltip and table show the exact text.

use std::fmt;

/// More digits than this after the point are computed as doubles.
const SCALE_MAX: u32 = 30;

/// A number. Integers and decimals are exact as long as they fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// `mantissa / 10^scale`.
    Exact {
        mantissa: i128,
        scale: u32,
    },
    Double(f64),
}

impl Amount {
    pub(crate) const ZERO: Self = Self::Exact {
        mantissa: 0,
        scale: 0,
    };

    /// Reads a number in the form of JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let double = || {
            let starts = text
                .trim_start_matches('-')
                .starts_with(|c: char| c.is_ascii_digit());
            let double = text.parse::<f64>().ok().filter(|value| value.is_finite());
            double.filter(|_| starts).map(Self::Double)
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_plain = digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(fraction);
        let scale = u32::try_from(fraction.len()).ok()?;
        if !is_plain || scale > SCALE_MAX {
            return double();
        }
        match format!("{whole}{fraction}").parse() {
            Ok(mantissa) => Some(Self::Exact { mantissa, scale }),
            Err(_) => double(),
        }
    }

    pub(crate) fn as_double(self) -> f64 {
        match self {
            Self::Exact { mantissa, scale: 0 } => mantissa as f64,
            // Parsing the decimal text rounds once. A division would round twice.
            Self::Exact { .. } => self.to_string().parse().unwrap_or_default(),
            Self::Double(value) => value,
        }
    }

    /// Adds two numbers. The sum is exact if both are and it fits.
    pub(crate) fn plus(self, other: Self) -> Self {
        let exact = self.scale().max(other.scale()).and_then(|scale| {
            let mantissa = self.at(scale)?.checked_add(other.at(scale)?)?;
            Some(Self::Exact { mantissa, scale })
        });
        exact.unwrap_or_else(|| Self::Double(self.as_double() + other.as_double()))
    }

    fn scale(self) -> Option<u32> {
        match self {
            Self::Exact { scale, .. } => Some(scale),
            Self::Double(_) => None,
        }
    }

    /// The mantissa at a scale that is no smaller than its own.
    fn at(self, wanted: u32) -> Option<i128> {
        match self {
            Self::Exact { mantissa, scale } => {
                mantissa.checked_mul(10i128.checked_pow(wanted.checked_sub(scale)?)?)
            }
            Self::Double(_) => None,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exact { mantissa, scale: 0 } => write!(f, "{mantissa}"),
            Self::Exact { mantissa, scale } => {
                let sign = if mantissa < 0 { "-" } else { "" };
                let places = scale as usize;
                let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = places + 1);
                let (whole, fraction) = digits.split_at(digits.len() - places);
                write!(f, "{sign}{whole}.{fraction}")
            }
            Self::Double(value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_their_digits() {
        for text in [
            "0",
            "-7",
            "12.50",
            "-0.05",
            "9007199254740993",
            "12345678901234567890123.10",
        ] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Amount::parse("12.50").unwrap().as_double(), 12.5);
        assert_eq!(Amount::parse("1.5e3"), Some(Amount::Double(1_500.0)));
        for text in ["", "-", "x", "1,5", "inf", "NaN", "1.2.3", "0x10"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sums_are_exact_until_they_do_not_fit() {
        let sum = |texts: &[&str]| {
            let amounts = texts.iter().map(|text| Amount::parse(text).unwrap());
            amounts.fold(Amount::ZERO, Amount::plus).to_string()
        };
        assert_eq!(sum(&["0.10", "0.2", "1"]), "1.30");
        assert_eq!(
            sum(&["9007199254740993", "9007199254740993"]),
            "18014398509481986"
        );
        let most = i128::MAX.to_string();
        assert_eq!(sum(&[&most, "1"]), (i128::MAX as f64).to_string());
    }
}
