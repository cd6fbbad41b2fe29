//! The functions of a single row.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::calendar::DatePart;
use crate::exact;
use crate::numbers::Numbers;
use crate::text;
use crate::value::Value;

/// A function whose arguments have the types that it expects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Function {
    Lower,
    Upper,
    Length,
    Substr,
    SubstrToEnd,
    /// Joins texts, and leaves out NULL.
    Concat,
    /// Joins two texts: `||`.
    Join,
    SplitPart,
    DateTrunc(DatePart),
    Extract(DatePart),
    /// Seconds since the epoch, as a double.
    Epoch,
    EpochMs,
    Abs(Numbers),
    /// Rounds exact numbers of this scale to this number of digits, which can be negative.
    Round(Numbers, u8, i16),
    RoundDouble(i16),
    /// Rounds an exact number of this scale down to a whole number.
    Floor(u8),
    /// Rounds an exact number of this scale up to a whole number.
    Ceil(u8),
    FloorDouble,
    CeilDouble,
    Least,
    Greatest,
    /// The first value that is not NULL. Only expressions up to it are evaluated.
    Coalesce,
}

impl Function {
    /// Calls the function, unless it is `Coalesce`, which an expression evaluates itself.
    pub(crate) fn call<'a>(self, mut values: impl Iterator<Item = Value<'a>>) -> Value<'a> {
        match self {
            Self::Least => extreme(values, Ordering::Less),
            Self::Greatest => extreme(values, Ordering::Greater),
            Self::Concat => concat(values),
            _ => {
                let mut next = || values.next().unwrap_or(Value::Null);
                self.call_strict([next(), next(), next()])
            }
        }
    }

    /// Functions of up to three arguments, which are NULL if an argument is NULL.
    fn call_strict<'a>(self, arguments: [Value<'a>; 3]) -> Value<'a> {
        match (self, arguments) {
            (Self::Join, [Value::Text(left), Value::Text(right), _]) => {
                own(format!("{left}{right}"))
            }
            (Self::Lower, [Value::Text(given), ..]) => own(text::lower(&given)),
            (Self::Upper, [Value::Text(given), ..]) => own(text::upper(&given)),
            (Self::Length, [Value::Text(given), ..]) => {
                Value::exact(Some(given.chars().count() as i128))
            }
            (
                Self::Substr,
                [
                    Value::Text(given),
                    Value::Exact(start),
                    Value::Exact(length),
                ],
            ) => own(text::substr(&given, start.get(), Some(length.get())).to_owned()),
            (Self::SubstrToEnd, [Value::Text(given), Value::Exact(start), _]) => {
                own(text::substr(&given, start.get(), None).to_owned())
            }
            (
                Self::SplitPart,
                [
                    Value::Text(given),
                    Value::Text(separator),
                    Value::Exact(part),
                ],
            ) => own(text::split_part(&given, &separator, part.get()).to_owned()),
            (Self::DateTrunc(part), [Value::Timestamp(time), ..]) => {
                Value::Timestamp(part.truncate(time))
            }
            (Self::Extract(part), [Value::Timestamp(time), ..]) => {
                Value::exact(Some(i128::from(part.extract(time))))
            }
            (Self::EpochMs, [Value::Timestamp(time), ..]) => {
                Value::exact(Some(i128::from(time.as_millis())))
            }
            (Self::Epoch, [Value::Timestamp(time), ..]) => {
                Value::Double(time.as_millis() as f64 / 1_000.0)
            }
            (function, [Value::Exact(units), ..]) => Value::exact(function.of_exact(units.get())),
            (function, [Value::Double(value), ..]) => Value::double(function.of_double(value)),
            _ => Value::Null,
        }
    }

    fn of_exact(self, units: i128) -> Option<i128> {
        match self {
            Self::Abs(numbers) => numbers.in_range(units.abs()),
            Self::Round(numbers, scale, digits) => {
                round_exact(units, scale, digits).and_then(|units| numbers.in_range(units))
            }
            Self::Floor(scale) => Some(units.div_euclid(exact::power(u32::from(scale))?)),
            Self::Ceil(scale) => Some(-(-units).div_euclid(exact::power(u32::from(scale))?)),
            _ => None,
        }
    }

    fn of_double(self, value: f64) -> f64 {
        match self {
            Self::Abs(_) => value.abs(),
            Self::RoundDouble(digits) => round_double(value, digits),
            Self::FloorDouble => value.floor(),
            Self::CeilDouble => value.ceil(),
            _ => f64::NAN,
        }
    }
}

fn own<'a>(text: String) -> Value<'a> {
    Value::Text(Cow::Owned(text))
}

fn concat<'a>(values: impl Iterator<Item = Value<'a>>) -> Value<'a> {
    let mut all = String::new();
    for value in values {
        if let Value::Text(text) = value {
            all.push_str(&text);
        }
    }
    own(all)
}

/// Returns the least or greatest value that is not NULL.
fn extreme<'a>(values: impl Iterator<Item = Value<'a>>, wanted: Ordering) -> Value<'a> {
    values
        .filter(|value| !value.is_null())
        .reduce(|best, value| {
            if value.order(&best) == wanted {
                value
            } else {
                best
            }
        })
        .unwrap_or(Value::Null)
}

/// Rounds half away from zero. The result has `digits` digits after the point, or none if `digits` is negative.
fn round_exact(units: i128, scale: u8, digits: i16) -> Option<i128> {
    let cut = u32::try_from(i16::from(scale) - digits).unwrap_or_default();
    let Some(divisor) = exact::power(cut) else {
        return Some(0);
    };
    let rounded = exact::divide_rounded(units, divisor);
    let zeros = u32::try_from(-digits).unwrap_or_default();
    rounded.checked_mul(exact::power(zeros)?)
}

/// Rounds the exact value of a double half away from zero.
fn round_double(value: f64, digits: i16) -> f64 {
    /// From this power of two on, a double is a whole number.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    let Ok(places) = usize::try_from(digits) else {
        let unit = 10_f64.powi(-i32::from(digits));
        return if unit.is_finite() {
            (value / unit).round() * unit
        } else {
            0.0
        };
    };
    let gap = value.abs().next_up() - value.abs();
    if value.abs() >= WHOLE || gap >= 10_f64.powi(-i32::from(digits)) {
        return value; // there is no other double within half a unit of the last digit
    }
    /// The number of further digits that distinguish a tie.
    const BEYOND_A_TIE: usize = 60;
    let precise = format!("{value:.*}", places + BEYOND_A_TIE);
    let (_, rest) = precise.split_at(precise.len() - BEYOND_A_TIE);
    let is_tie = rest.starts_with('5') && rest[1..].bytes().all(|digit| digit == b'0');
    // The formatting rounds a tie to an even digit. The next double away from zero is on the other side of the tie.
    let decided = match (is_tie, value < 0.0) {
        (false, _) => value,
        (true, false) => value.next_up(),
        (true, true) => value.next_down(),
    };
    format!("{decided:.places$}").parse().unwrap_or(value)
}
