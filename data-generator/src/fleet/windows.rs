//! Determines when the reports of a server are enough evidence of a fault: at the end of the second of two consecutive
//! windows with a value above its threshold. The values are computed from the readings, without the code of
//! `server-alerts`.

use model::derived::ServerCondition;
use model::time::Timestamp;

use crate::payload::Reading;

/// The length of a window of `server-alerts`. Windows begin at multiples of it.
const WINDOW_MS: i64 = 10_000;
/// Windows before and after a silence that is longer than this are not consecutive.
const SILENT_MS: i64 = 30_000;
/// The thresholds: percent of CPU load and of memory usage, and milliseconds of latency.
const CPU_PERCENT: i64 = 80;
const MEMORY_PERCENT: i64 = 80;
const LATENCY_MS: i64 = 250;

/// The reports of a server in the current window, and the result of the window before it. Windows without reports are
/// skipped.
#[derive(Default)]
pub(super) struct Windows {
    /// The reports of the current window: CPU load, memory usage and latency.
    readings: Vec<[i64; 3]>,
    /// The time of the last report.
    last_ms: i64,
    was_high: High,
}

/// Whether CPU load, memory usage and latency are above their thresholds.
type High = [bool; 3];

/// A window that has ended.
pub(super) struct Ended {
    pub(super) end: Timestamp,
    /// The values that are above their thresholds in this window and in the one before it.
    high: High,
}

impl Ended {
    /// Whether this window and the one before it are evidence of a fault.
    pub(super) fn shows(&self, condition: ServerCondition) -> bool {
        let [cpu, memory, latency] = self.high;
        match condition {
            ServerCondition::Cpu => cpu,
            ServerCondition::Memory => memory,
            ServerCondition::Latency => latency,
            ServerCondition::Silent => false,
        }
    }
}

impl Windows {
    /// Adds a report. Reports are added in the order of their times. Returns the previous window, if this report is the
    /// first one after its end.
    pub(super) fn add(&mut self, reading: &Reading<'_>, time: Timestamp) -> Option<Ended> {
        let ms = time.as_millis();
        let end_ms = (self.last_ms.div_euclid(WINDOW_MS) + 1) * WINDOW_MS;
        let has_ended = ms >= end_ms && !self.readings.is_empty();
        let ended = has_ended.then(|| self.end(end_ms));
        if ms - self.last_ms > SILENT_MS {
            self.was_high = High::default();
        }
        self.last_ms = ms;
        self.readings
            .push([reading.cpu_load, reading.memory_usage, reading.latency]);
        ended
    }

    fn end(&mut self, end_ms: i64) -> Ended {
        let is_high = high(&std::mem::take(&mut self.readings));
        let was_high = std::mem::replace(&mut self.was_high, is_high);
        Ended {
            end: Timestamp::from_millis(end_ms),
            high: std::array::from_fn(|value| is_high[value] && was_high[value]),
        }
    }
}

/// Compares the mean CPU load, the mean memory usage and the p95 of the latency with their thresholds. The rank of the
/// p95 is rounded down.
fn high(readings: &[[i64; 3]]) -> High {
    let count = readings.len() as i64;
    let sum = |value: usize| readings.iter().map(|reading| reading[value]).sum::<i64>();
    let mut latencies: Vec<i64> = readings.iter().map(|reading| reading[2]).collect();
    latencies.sort_unstable();
    let p95 = latencies.get(readings.len().saturating_sub(1) * 95 / 100);
    [
        sum(0) > CPU_PERCENT * count,
        sum(1) > MEMORY_PERCENT * count,
        p95.is_some_and(|p95| *p95 > LATENCY_MS),
    ]
}
