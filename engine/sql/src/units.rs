//! Numbers of 128 bits in memory.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of 128 bits that is aligned as one of 64 bits. In WASM, memory with a larger alignment takes several times
/// as long to allocate.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "i128", into = "i128")]
pub struct Units {
    // The order of the halves makes the derived order that of the numbers.
    upper: i64,
    lower: u64,
}

impl Units {
    /// Returns the number.
    #[inline]
    pub fn get(self) -> i128 {
        i128::from(self.upper) << 64 | i128::from(self.lower)
    }
}

impl From<i128> for Units {
    #[inline]
    fn from(number: i128) -> Self {
        Self {
            upper: (number >> 64) as i64,
            lower: number as u64,
        }
    }
}

impl From<Units> for i128 {
    fn from(units: Units) -> Self {
        units.get()
    }
}

impl fmt::Debug for Units {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_keep_their_value_and_order(a: i128, b: i128, small: i64) {
            for (a, b) in [(a, b), (a, i128::from(small)), (i128::from(small), -1)] {
                prop_assert_eq!(Units::from(a).get(), a);
                prop_assert_eq!(Units::from(a).cmp(&Units::from(b)), a.cmp(&b));
            }
        }
    }
}
