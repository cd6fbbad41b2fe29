//! The readings of one window, and the values computed from them.

use model::event::READING_UNIT;
use model::merge::Quantiles;
use model::{Timestamp, Window, decimal};
use serde::{Deserialize, Serialize};

use crate::rules::Limit;

/// How a window's value compares with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Above the threshold.
    Above,
    /// Neither high enough to open nor low enough to close.
    Between,
    /// Below the threshold by more than the margin.
    Below,
}

/// One thousandth in units of a reading. Values in records are rounded to thousandths.
const THOUSANDTH: i128 = READING_UNIT as i128 / 1_000;

/// The readings of one server in one window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Readings {
    window: Window,
    cpu_load: WindowValue,
    memory_usage: WindowValue,
    latency_ms: Quantiles,
}

/// An exact mean in millionths, stored as a sum and a count. A p95 is stored as the mean of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WindowValue {
    sum: i128,
    count: u32,
}

impl Readings {
    /// Creates an empty window that contains `time`.
    pub(crate) fn around(time: Timestamp, window_ms: i64) -> Self {
        Self {
            window: Window::tumbling(time, window_ms),
            cpu_load: WindowValue::default(),
            memory_usage: WindowValue::default(),
            latency_ms: Quantiles::default(),
        }
    }

    pub(crate) fn end(&self) -> Timestamp {
        self.window.end
    }

    pub(crate) fn insert(&mut self, cpu_load: i64, memory_usage: i64, latency_ms: i64) {
        self.cpu_load.insert(cpu_load);
        self.memory_usage.insert(memory_usage);
        self.latency_ms
            .insert(latency_ms as f64 / READING_UNIT as f64);
    }

    /// Returns mean CPU load, mean memory usage and the p95 of the latency.
    pub(crate) fn values(&self) -> [WindowValue; 3] {
        [self.cpu_load, self.memory_usage, self.latency_p95()]
    }

    /// Returns the p95 as `server-health` writes it: rounded to a reading's millionths first, then to
    /// thousandths.
    fn latency_p95(&self) -> WindowValue {
        let p95 = self.latency_ms.quantile(0.95).unwrap_or_default();
        let millionths = (p95 * READING_UNIT as f64).round() as i128;
        WindowValue {
            sum: decimal::divide(millionths, THOUSANDTH) * THOUSANDTH,
            count: 1,
        }
    }
}

impl WindowValue {
    fn insert(&mut self, reading: i64) {
        self.sum += i128::from(reading);
        self.count += 1;
    }

    /// Returns the value to three decimals.
    pub(crate) fn value(&self) -> f64 {
        let readings = i128::from(self.count.max(1));
        decimal::ratio(self.sum, readings * i128::from(READING_UNIT), 3)
    }

    /// Compares the value with a limit. A mean is compared before it is rounded.
    pub(crate) fn level(&self, limit: Limit) -> Level {
        let times = |limit: i64| i128::from(limit) * i128::from(self.count);
        if self.sum > times(limit.opens_above) {
            Level::Above
        } else if self.sum < times(limit.closes_below) {
            Level::Below
        } else {
            Level::Between
        }
    }
}
