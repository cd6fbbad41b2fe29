//! The functions of a single row.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::calendar::DatePart;
use crate::exact;
use crate::numbers::Numbers;
use crate::text;
use crate::value::Value;

/// A function whose arguments have the types that it expects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    Lower,
    Upper,
    Length,
    Substr,
    SubstrToEnd,
    Concat,
    SplitPart,
    DateTrunc(DatePart),
    Extract(DatePart),
    /// Seconds since the epoch, as a double.
    Epoch,
    EpochMs,
    Abs(Numbers),
    /// Rounds exact numbers of this scale to this number of digits, which can be negative.
    Round(u8, i16),
    RoundDouble(i16),
    /// The greatest whole number that is not greater. The number is exact and has this scale.
    Floor(u8),
    Ceil(u8),
    FloorDouble,
    CeilDouble,
    Least,
    Greatest,
    Coalesce,
    NullIf,
}

impl Function {
    /// Calls the function. Arguments that do not affect the result are not evaluated.
    pub(crate) fn call<'a>(self, mut values: impl Iterator<Item = Value<'a>>) -> Value<'a> {
        match self {
            Self::Coalesce => values.find(|value| !value.is_null()).unwrap_or(Value::Null),
            Self::Least => extreme(values, Ordering::Less),
            Self::Greatest => extreme(values, Ordering::Greater),
            Self::Concat => concat(values),
            _ => {
                let mut next = || values.next().unwrap_or(Value::Null);
                self.call_strict([next(), next(), next()])
            }
        }
    }

    /// Functions of up to three arguments. Almost all are NULL if an argument is NULL.
    fn call_strict<'a>(self, arguments: [Value<'a>; 3]) -> Value<'a> {
        match (self, arguments) {
            (Self::NullIf, [left, right, _]) => null_if(left, &right),
            (Self::Lower, [Value::Text(given), ..]) => own(text::lower(&given)),
            (Self::Upper, [Value::Text(given), ..]) => own(text::upper(&given)),
            (Self::Length, [Value::Text(given), ..]) => Value::Exact(given.chars().count() as i128),
            (
                Self::Substr,
                [
                    Value::Text(given),
                    Value::Exact(start),
                    Value::Exact(length),
                ],
            ) => own(text::substr(&given, start, Some(length)).to_owned()),
            (Self::SubstrToEnd, [Value::Text(given), Value::Exact(start), _]) => {
                own(text::substr(&given, start, None).to_owned())
            }
            (
                Self::SplitPart,
                [
                    Value::Text(given),
                    Value::Text(separator),
                    Value::Exact(part),
                ],
            ) => own(text::split_part(&given, &separator, part).to_owned()),
            (Self::DateTrunc(part), [Value::Timestamp(time), ..]) => {
                Value::Timestamp(part.truncate(time))
            }
            (Self::Extract(part), [Value::Timestamp(time), ..]) => {
                Value::Exact(i128::from(part.extract(time)))
            }
            (Self::EpochMs, [Value::Timestamp(time), ..]) => {
                Value::Exact(i128::from(time.as_millis()))
            }
            (Self::Epoch, [Value::Timestamp(time), ..]) => {
                Value::Double(time.as_millis() as f64 / 1_000.0)
            }
            (function, [Value::Exact(units), ..]) => Value::exact(function.of_exact(units)),
            (function, [Value::Double(value), ..]) => Value::double(function.of_double(value)),
            _ => Value::Null,
        }
    }

    fn of_exact(self, units: i128) -> Option<i128> {
        match self {
            Self::Abs(numbers) => numbers.in_range(units.abs()),
            Self::Round(scale, digits) => round_exact(units, scale, digits),
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

fn null_if<'a>(left: Value<'a>, right: &Value<'_>) -> Value<'a> {
    if !left.is_null() && left.order(right) == Ordering::Equal {
        Value::Null
    } else {
        left
    }
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

/// Rounds half away from zero. The result has `digits` digits after the point, but at least none.
fn round_exact(units: i128, scale: u8, digits: i16) -> Option<i128> {
    let cut = u32::try_from(i16::from(scale) - digits).unwrap_or_default();
    let Some(divisor) = exact::power(cut) else {
        return Some(0);
    };
    let rounded = exact::divide_rounded(units, divisor);
    let zeros = u32::try_from(-digits).unwrap_or_default();
    exact::in_range(rounded.checked_mul(exact::power(zeros)?)?)
}

/// Rounds the exact value of a double half away from zero.
fn round_double(value: f64, digits: i16) -> f64 {
    if digits <= 0 {
        let unit = 10_f64.powi(-i32::from(digits));
        return (value / unit).round() * unit;
    }
    /// A double has about 16 significant digits.
    const DIGITS_OF_DOUBLE: i16 = 15;
    if digits > DIGITS_OF_DOUBLE || value.abs() >= 1e15 {
        return value;
    }
    // With these digits after the point, the printed number is on the same side of a tie as the double.
    let precise = format!("{value:.*}", digits.unsigned_abs() as usize + 26);
    let scale = digits.unsigned_abs() as u8;
    exact::parse(&precise, scale)
        .and_then(|units| exact::text(units, scale).parse().ok())
        .unwrap_or(value)
}
