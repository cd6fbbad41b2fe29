//! The types of columns and expressions.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest number of digits of an exact number.
pub const DIGITS_MAX: u8 = 38;

/// The type of a column or an expression. Every expression has one type, which is known before the first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SqlType {
    /// The literal `NULL`, which fits wherever a value is expected.
    Null,
    /// `TRUE` or `FALSE`.
    Boolean,
    /// An integer of 64 bits.
    Bigint,
    /// An integer of up to [`DIGITS_MAX`] digits: the sum of `BIGINT` values.
    Hugeint,
    /// An exact number with this many digits after the decimal point, and [`DIGITS_MAX`] digits in all.
    Decimal(u8),
    /// A binary floating-point number of 64 bits.
    Double,
    /// Unicode text.
    Text,
    /// A point in time in UTC, in milliseconds.
    Timestamp,
}

impl SqlType {
    /// Returns whether values of the type are numbers.
    pub fn is_numeric(self) -> bool {
        self == Self::Double || self.scale().is_some()
    }

    /// Returns the number of digits after the decimal point of an exact number; `None` for other types.
    pub fn scale(self) -> Option<u8> {
        match self {
            Self::Bigint | Self::Hugeint => Some(0),
            Self::Decimal(scale) => Some(scale),
            _ => None,
        }
    }

    /// Returns the type to which values of both types are converted before they are compared or combined; `None` if
    /// there is none.
    pub fn common(self, other: Self) -> Option<Self> {
        match (self, other) {
            (left, right) if left == right => Some(left),
            (Self::Null, known) | (known, Self::Null) => Some(known),
            (Self::Double, number) | (number, Self::Double) if number.is_numeric() => {
                Some(Self::Double)
            }
            (left, right) => {
                let scale = left.scale()?.max(right.scale()?);
                let is_decimal = |ty| matches!(ty, Self::Decimal(_));
                Some(if is_decimal(left) || is_decimal(right) {
                    Self::Decimal(scale)
                } else {
                    Self::Hugeint
                })
            }
        }
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Bigint => f.write_str("BIGINT"),
            Self::Hugeint => f.write_str("HUGEINT"),
            Self::Decimal(scale) => write!(f, "DECIMAL({DIGITS_MAX},{scale})"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Text => f.write_str("TEXT"),
            Self::Timestamp => f.write_str("TIMESTAMP"),
        }
    }
}
