//! The numbers that an operation computes with.

use serde::{Deserialize, Serialize};

use crate::exact;
#[cfg(feature = "planner")]
use crate::types::SqlType;

/// The numbers that an operation computes with. A result that does not fit is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Numbers {
    /// Integers of 64 bits.
    Bigint,
    /// Exact numbers of up to 38 digits, both with the same scale except in a multiplication.
    Exact,
    Double,
}

impl Numbers {
    /// Returns the numbers of a numeric type.
    #[cfg(feature = "planner")]
    pub(crate) fn of(ty: SqlType) -> Self {
        match ty {
            SqlType::Double => Self::Double,
            SqlType::Bigint => Self::Bigint,
            _ => Self::Exact,
        }
    }

    /// Returns an exact number if it fits.
    pub(crate) fn in_range(self, units: i128) -> Option<i128> {
        match self {
            Self::Bigint => i64::try_from(units).ok().map(i128::from),
            Self::Exact | Self::Double => exact::in_range(units),
        }
    }
}
