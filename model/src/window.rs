//! Windows: half-open spans of event time, aligned to the Unix epoch.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// `[start, end)` in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first instant inside.
    pub start: Timestamp,
    /// The first instant after.
    pub end: Timestamp,
}

impl Window {
    /// The tumbling window of `size_ms` milliseconds (> 0) that holds `time`.
    pub fn tumbling(time: Timestamp, size_ms: i64) -> Self {
        let start = time.as_millis().div_euclid(size_ms) * size_ms;
        Self {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(start + size_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_aligned_and_half_open_also_before_the_epoch() {
        let at = |ms| {
            Window::tumbling(Timestamp::from_millis(ms), 10_000)
                .start
                .as_millis()
        };
        assert_eq!([at(0), at(9_999), at(10_000)], [0, 0, 10_000]);
        assert_eq!(
            [at(-1), at(-10_000), at(-10_001)],
            [-10_000, -10_000, -20_000]
        );
    }
}
