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
    let number: f64 = text.parse().map_err(|_| Reason::WrongType)?;
    if !number.is_finite() {
        return Err(Reason::OutOfRange);
    }
    in_range(column, number, Value::double(number))
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
