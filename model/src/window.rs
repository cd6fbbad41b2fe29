//! Windows: half-open spans of event time, aligned to the Unix epoch.

use serde::{Deserialize, Serialize};

use crate::params::{ParamError, Params};
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

    /// The span of an event at `time` alone: `[time, time + 1 ms)`.
    pub fn instant(time: Timestamp) -> Self {
        Self {
            start: time,
            end: time.plus_ms(1),
        }
    }

    /// The least span that holds both.
    pub fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Whether `time` is inside.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// The time of the last event of a span: of `[first, last + 1 ms)` the `last`.
    pub fn last(&self) -> Timestamp {
        self.end.plus_ms(-1)
    }

    /// Whether an event of one span is at most `gap_ms` from an event of the other: they are of one
    /// session then.
    pub fn is_within(&self, gap_ms: i64, other: &Self) -> bool {
        self.start <= other.last().plus_ms(gap_ms) && other.start <= self.last().plus_ms(gap_ms)
    }
}

/// How a derivation groups its events in time. The figures come from `window` in the dataflow map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// In windows aligned to the epoch, tumbling or hopping: `window_ms`, and `hop_ms` if they hop.
    Windows,
    /// In sessions of each key, which end where nothing came for longer than `gap_ms`.
    Sessions,
    /// Not at all: each event is followed by itself, in the order of event time.
    Events,
}

/// A [`Shape`] with its figures, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windowing {
    /// Windows of `size_ms`, one of which begins every `hop_ms`; the same for tumbling windows.
    Windows {
        /// The length of a window; a multiple of `hop_ms`.
        size_ms: i64,
        /// From the start of one window to the next.
        hop_ms: i64,
    },
    /// Sessions.
    Sessions {
        /// The longest time between two events of one session.
        gap_ms: i64,
    },
    /// Events by themselves.
    Events,
}

impl Windowing {
    /// The names of the parameters that a shape takes.
    pub fn parameters(shape: Shape) -> &'static [&'static str] {
        match shape {
            Shape::Windows => &["window_ms", "hop_ms"],
            Shape::Sessions => &["gap_ms"],
            Shape::Events => &[],
        }
    }

    /// Reads the figures of a shape.
    pub fn from_params(shape: Shape, params: &Params) -> Result<Self, ParamError> {
        match shape {
            Shape::Windows => Self::windows(params),
            Shape::Sessions => Ok(Self::Sessions {
                gap_ms: params.positive_ms("gap_ms", None)?,
            }),
            Shape::Events => Ok(Self::Events),
        }
    }

    fn windows(params: &Params) -> Result<Self, ParamError> {
        let size_ms = params.positive_ms("window_ms", None)?;
        let hop_ms = params.positive_ms("hop_ms", Some(size_ms))?;
        if size_ms % hop_ms != 0 {
            return Err(ParamError::Invalid {
                name: "hop_ms".to_owned(),
                value: hop_ms.to_string(),
                expected: "a number of milliseconds that divides `window_ms`",
            });
        }
        Ok(Self::Windows { size_ms, hop_ms })
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

    #[test]
    fn a_hop_divides_its_window() {
        let read = |pairs: &[(&str, &str)]| {
            Windowing::from_params(Shape::Windows, &pairs.iter().copied().collect())
        };
        let windows = |size_ms, hop_ms| Ok(Windowing::Windows { size_ms, hop_ms });
        assert_eq!(read(&[("window_ms", "60")]), windows(60, 60));
        assert_eq!(
            read(&[("window_ms", "60"), ("hop_ms", "20")]),
            windows(60, 20)
        );
        for hop in ["7", "0", "-20", "120"] {
            assert!(
                read(&[("window_ms", "60"), ("hop_ms", hop)]).is_err(),
                "{hop}"
            );
        }
    }
}
