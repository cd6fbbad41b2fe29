//! The readings of one window, and what they come to.

use model::event::READING_UNIT;
use model::merge::Quantiles;
use model::{Timestamp, Window, decimal};
use serde::{Deserialize, Serialize};

use crate::hysteresis::Level;
use crate::rules::Limit;

/// A figure is written in thousandths.
const THOUSANDTH: i128 = READING_UNIT as i128 / 1_000;

/// Readings of one server in one window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Readings {
    window: Window,
    cpu_load: Figure,
    memory_usage: Figure,
    latency_ms: Quantiles,
}

/// A mean in millionths, exactly: a sum and how many were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figure {
    sum: i128,
    count: u32,
}

impl Readings {
    /// None yet, in the window of `time`.
    pub(crate) fn around(time: Timestamp, window_ms: i64) -> Self {
        Self {
            window: Window::tumbling(time, window_ms),
            cpu_load: Figure::default(),
            memory_usage: Figure::default(),
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

    /// Mean CPU load, mean memory usage and the p95 of the latency.
    pub(crate) fn figures(&self) -> [Figure; 3] {
        [self.cpu_load, self.memory_usage, self.latency_p95()]
    }

    /// The p95 as `server-health` writes it: rounded to thousandths, by way of the integers that
    /// readings are.
    fn latency_p95(&self) -> Figure {
        let p95 = self.latency_ms.quantile(0.95).unwrap_or_default();
        let millionths = (p95 * READING_UNIT as f64).round() as i128;
        Figure {
            sum: decimal::divide(millionths, THOUSANDTH) * THOUSANDTH,
            count: 1,
        }
    }
}

impl Figure {
    fn insert(&mut self, reading: i64) {
        self.sum += i128::from(reading);
        self.count += 1;
    }

    /// To three decimals.
    pub(crate) fn value(&self) -> f64 {
        let readings = i128::from(self.count.max(1));
        decimal::ratio(self.sum, readings * i128::from(READING_UNIT), 3)
    }

    /// Where it lies, before any rounding.
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
