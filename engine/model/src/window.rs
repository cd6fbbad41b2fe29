//! Windows: half-open spans of event time. Tumbling and hopping windows are aligned to the Unix epoch, sessions are
//! not.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The span `[start, end)` in event time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Window {
    /// The first instant of the span.
    pub start: Timestamp,
    /// The first instant after the span.
    pub end: Timestamp,
}

impl Window {
    /// Returns the tumbling window of `size_ms` milliseconds (> 0) that contains `time`.
    pub fn tumbling(time: Timestamp, size_ms: i64) -> Self {
        let start = time.as_millis().div_euclid(size_ms) * size_ms;
        Self {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(start + size_ms),
        }
    }

    /// Returns the span of a single event at `time`: `[time, time + 1 ms)`.
    pub fn instant(time: Timestamp) -> Self {
        Self {
            start: time,
            end: time.plus_ms(1),
        }
    }

    /// Returns the smallest span that contains `self` and `other`.
    pub fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Returns whether the span contains `time`.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// Returns the last instant of the span. In a session, which is `[first, last + 1 ms)`, this is the time of
    /// the last event.
    pub fn last(&self) -> Timestamp {
        self.end.plus_ms(-1)
    }

    /// Returns whether sessions with these spans are one session: the spans overlap, or the last event of one and
    /// the first event of the other are at most `gap_ms` apart.
    pub fn is_within(&self, gap_ms: i64, other: &Self) -> bool {
        self.start <= other.last().plus_ms(gap_ms) && other.start <= self.last().plus_ms(gap_ms)
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

    #[test]
    fn spans_touch_at_a_distance_of_the_gap_and_no_further() {
        let span = |first, last| {
            let instant = |ms| Window::instant(Timestamp::from_millis(ms));
            instant(first).join(instant(last))
        };
        let long = span(100, 200);
        assert_eq!(
            (long.start.as_millis(), long.last().as_millis()),
            (100, 200)
        );
        for (other, touches) in [
            (span(230, 230), true),
            (span(231, 240), false),
            (span(70, 70), true),
            (span(0, 69), false),
            (span(0, 900), true),
            (span(120, 130), true),
        ] {
            assert_eq!(long.is_within(30, &other), touches, "{other:?}");
            assert_eq!(other.is_within(30, &long), touches, "{other:?}");
        }
    }
}
