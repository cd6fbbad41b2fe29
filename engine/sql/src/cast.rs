//! Conversions between types. A value that the other type cannot represent becomes NULL.

use std::borrow::Cow;

use crate::calendar;
use crate::exact;
use crate::types::{DIGITS_MAX, SqlType};
use crate::value::Value;

pub(crate) fn cast(value: Value<'_>, from: SqlType, to: SqlType, digits: u8) -> Value<'_> {
    if value.is_null() || from == to && digits == DIGITS_MAX {
        return value;
    }
    match to {
        SqlType::Text => match value.text(from) {
            Some(text) => Value::Text(Cow::Owned(text.into_owned())),
            None => Value::Null,
        },
        SqlType::Boolean => boolean(&value).map_or(Value::Null, Value::Boolean),
        SqlType::Double => double(&value, from),
        SqlType::Bigint => {
            let units = units(&value, from, 0);
            Value::exact(units.filter(|units| i64::try_from(*units).is_ok()))
        }
        SqlType::Hugeint => Value::exact(units(&value, from, 0)),
        SqlType::Decimal(scale) => {
            let limit = exact::power(u32::from(digits)).unwrap_or(i128::MAX);
            let units = match value {
                Value::Double(value) => exact::from_double(value, scale),
                value => units(&value, from, scale),
            };
            Value::exact(units.filter(|units| units.abs() < limit))
        }
        SqlType::Timestamp => match value {
            Value::Text(text) => calendar::parse(text.trim()).map_or(Value::Null, Value::Timestamp),
            _ => Value::Null,
        },
        SqlType::Null => Value::Null,
    }
}

fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Exact(units) => Some(units.get() != 0),
        Value::Double(value) => Some(*value != 0.0),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn double<'a>(value: &Value<'_>, from: SqlType) -> Value<'a> {
    match value {
        Value::Boolean(value) => Value::Double(f64::from(u8::from(*value))),
        Value::Exact(units) => Value::Double(exact::to_double(
            units.get(),
            from.scale().unwrap_or_default(),
        )),
        Value::Text(text) => text.trim().parse().map_or(Value::Null, Value::double),
        _ => Value::Null,
    }
}

fn units(value: &Value<'_>, from: SqlType, scale: u8) -> Option<i128> {
    match value {
        Value::Boolean(value) => exact::rescale(i128::from(*value), 0, scale),
        Value::Exact(units) => exact::rescale(units.get(), from.scale()?, scale),
        // A double becomes an integer by rounding half to even; a cast to DECIMAL rounds half away from zero.
        Value::Double(value) => exact::from_double(value.round_ties_even(), scale),
        Value::Text(text) => exact::parse(text.trim(), scale),
        _ => None,
    }
}
