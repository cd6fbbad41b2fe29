//! Values of columns and expressions.

use std::borrow::Cow;
use std::cmp::Ordering;

use model::{Timestamp, words};
use serde::{Deserialize, Serialize, Serializer};

use crate::exact;
use crate::types::SqlType;
use crate::units::Units;

/// A value. Its type is that of its column or expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value<'a> {
    /// No value, of any type.
    Null,
    /// A `BOOLEAN`.
    Boolean(bool),
    /// A `BIGINT`, a `HUGEINT`, or a `DECIMAL` in units of its last digit.
    Exact(Units),
    /// A `DOUBLE`, which is never infinite or NaN.
    Double(f64),
    /// A `TEXT`.
    Text(Cow<'a, str>),
    /// A `TIMESTAMP`.
    Timestamp(Timestamp),
}

impl<'a> Value<'a> {
    /// Creates a double; `NULL` if it is infinite or NaN. There is one zero, without a sign.
    pub(crate) fn double(value: f64) -> Self {
        if value.is_finite() {
            Self::Double(value + 0.0)
        } else {
            Self::Null
        }
    }

    /// Creates an exact number; `NULL` for `None`.
    pub(crate) fn exact(units: Option<i128>) -> Self {
        units.map_or(Self::Null, |units| Self::Exact(units.into()))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the truth value; `None` is *unknown*.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the value with a text of its own.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Exact(units) => Value::Exact(units),
            Self::Double(value) => Value::Double(value),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Timestamp(time) => Value::Timestamp(time),
        }
    }

    /// Returns the value with its text borrowed from this one.
    pub(crate) fn borrowed(&'a self) -> Value<'a> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            other => other.clone(),
        }
    }

    /// Compares two values of one type. `NULL` comes last, and text is compared by its UTF-8 bytes.
    pub fn order(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Self::Boolean(left), Value::Boolean(right)) => left.cmp(right),
            (Self::Exact(left), Value::Exact(right)) => left.cmp(right),
            // There is no NaN.
            (Self::Double(left), Value::Double(right)) => {
                left.partial_cmp(right).unwrap_or(Ordering::Equal)
            }
            (Self::Text(left), Value::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Self::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
            (left, right) => left.is_null().cmp(&right.is_null()),
        }
    }

    /// Returns whether two values of one type are equal. `NULL` equals `NULL`.
    pub(crate) fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Text(left), Value::Text(right)) => {
                words::equal(left.as_bytes(), right.as_bytes())
            }
            _ => self.order(other) == Ordering::Equal,
        }
    }

    /// Returns the text of the value as in a cast to `TEXT`; `None` for `NULL`.
    pub fn text(&self, of: SqlType) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Exact(units) => {
                Cow::Owned(exact::text(units.get(), of.scale().unwrap_or_default()))
            }
            Self::Double(value) => Cow::Owned(double_text(*value)),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Timestamp(time) => Cow::Owned(timestamp_text(*time)),
        })
    }

    /// Writes the value as JSON.
    pub fn write_json(&self, of: SqlType, out: &mut String) {
        // Numbers, texts and booleans can always be written.
        out.push_str(&serde_json::to_string(&Typed(self, of)).unwrap_or_default());
    }
}

/// A value with its type, to be serialized. `DECIMAL` values are strings, because many readers convert numbers with a
/// point to binary ones, and times are RFC 3339 in UTC.
pub(crate) struct Typed<'v>(pub(crate) &'v Value<'v>, pub(crate) SqlType);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (Value::Null, _) => serializer.serialize_unit(),
            (Value::Boolean(value), _) => serializer.serialize_bool(*value),
            (Value::Exact(units), SqlType::Decimal(scale)) => {
                serializer.serialize_str(&exact::text(units.get(), scale))
            }
            (Value::Exact(units), _) => match i64::try_from(units.get()) {
                Ok(units) => serializer.serialize_i64(units),
                Err(_) => serializer.serialize_i128(units.get()),
            },
            (Value::Double(value), _) => serializer.serialize_f64(*value),
            (Value::Text(text), _) => serializer.serialize_str(text),
            (Value::Timestamp(time), _) => time.serialize(serializer),
        }
    }
}

/// Writes a double as DuckDB does: with a point, or with an exponent of at least two digits.
fn double_text(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{value:?}")
}

/// Writes a time as DuckDB does: without a zone, and with milliseconds only if there are any.
fn timestamp_text(time: Timestamp) -> String {
    let text = time.to_string().replace('T', " ");
    let text = text.trim_end_matches('Z');
    match text.split_once('.') {
        Some((seconds, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            format!("{seconds}{point}{fraction}")
        }
        None => text.to_owned(),
    }
}
