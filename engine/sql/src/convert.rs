//! Converts a value of a record to the type of its column.

use model::{Reason, Timestamp, json};

use crate::exact;
use crate::source::Column;
use crate::types::SqlType;
use crate::value::Value;

/// Converts a JSON value to the column's type.
pub(crate) fn convert<'a>(column: &Column, value: json::Value<'a>) -> Result<Value<'a>, Reason> {
    match (column.ty, value) {
        (_, json::Value::Null) => Ok(Value::Null),
        (SqlType::Text, json::Value::String(text)) => Ok(Value::Text(text.decode())),
        (SqlType::Boolean, json::Value::Bool(value)) => Ok(Value::Boolean(value)),
        (SqlType::Timestamp, json::Value::String(text)) => Timestamp::parse(&text.decode())
            .map(Value::Timestamp)
            .ok_or(Reason::InvalidTimestamp),
        (SqlType::Double, json::Value::Number(text)) => double(column, text),
        (SqlType::Bigint, json::Value::Number(text)) => {
            let units = exact_number(text, 0, Reason::WrongType)?;
            i64::try_from(units).map_err(|_| Reason::OutOfRange)?;
            in_range(column, units as f64, Value::Exact(units.into()))
        }
        (SqlType::Decimal(scale), json::Value::Number(text)) => decimal(column, text, scale, false),
        // Money is often sent as a string, because most JSON readers convert numbers to binary ones.
        (SqlType::Decimal(scale), json::Value::String(text)) => {
            decimal(column, &text.decode(), scale, true)
        }
        _ => Err(Reason::WrongType),
    }
}

fn double<'a>(column: &Column, text: &str) -> Result<Value<'a>, Reason> {
    let number = match plain_double(text.as_bytes()) {
        Some(number) => number,
        None => text.parse().map_err(|_| Reason::WrongType)?,
    };
    if !number.is_finite() {
        return Err(Reason::OutOfRange);
    }
    in_range(column, number, Value::double(number))
}

/// The frequent case of a number without sign and exponent, and with few digits: the digits and the power of ten are
/// doubles without rounding, so their quotient is the double that is nearest to the number.
fn plain_double(text: &[u8]) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    const POWERS: [f64; DIGITS_MAX + 1] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    if text.len() > DIGITS_MAX {
        return None;
    }
    let (mut digits, mut point) = (0_u64, None);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |point| text.len() - point - 1);
    Some(digits as f64 / POWERS[decimals])
}

fn decimal<'a>(
    column: &Column,
    text: &str,
    scale: u8,
    is_string: bool,
) -> Result<Value<'a>, Reason> {
    let is_number =
        || text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok();
    if is_string && !is_number() {
        return Err(Reason::WrongType);
    }
    let units = exact_number(text, scale, Reason::OutOfRange)?;
    let limit = exact::power(u32::from(column.digits)).ok_or(Reason::OutOfRange)?;
    if units.abs() >= limit {
        return Err(Reason::OutOfRange);
    }
    in_range(
        column,
        exact::to_double(units, scale),
        Value::Exact(units.into()),
    )
}

/// Parses a number without rounding. `inexact` is the reason if it has more digits after the point than `scale`.
fn exact_number(text: &str, scale: u8, inexact: Reason) -> Result<i128, Reason> {
    match exact::parse_noting_loss(text, scale) {
        Some((units, false)) => Ok(units),
        Some((_, true)) => Err(inexact),
        None => Err(Reason::OutOfRange),
    }
}

fn in_range<'a>(column: &Column, number: f64, value: Value<'a>) -> Result<Value<'a>, Reason> {
    let (min, max) = column.range;
    let fits = min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max);
    if fits {
        Ok(value)
    } else {
        Err(Reason::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_plain_double_is_the_nearest_one(text in "(0|[1-9][0-9]{0,14})([.][0-9]{1,14})?") {
            let expected: f64 = text.parse().expect("a number");
            let found = plain_double(text.as_bytes());
            prop_assert_eq!(found.is_some(), text.len() <= 15);
            prop_assert_eq!(found.unwrap_or(expected).to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn other_numbers_are_not_plain() {
        for text in ["-1", "1e3", "1E3", "1.2.3", "-0.0", "1234567890123456"] {
            assert_eq!(plain_double(text.as_bytes()), None, "{text}");
        }
    }
}
