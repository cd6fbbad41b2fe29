//! How long after their windows' ends rows stand in the derived topic, as a histogram.

use std::time::SystemTime;

use model::Timestamp;

/// The buckets' upper bounds, from what a viewer does not notice to what is as good as lost.
pub const LATENCY_BOUNDS_MS: [u64; 11] = [
    500, 1_000, 2_500, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];

/// Wall-clock time from the end of a window to the acknowledgement of the first row of one of its
/// keys. Corrections are left out: how late an event comes is no property of the runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Rows by bucket, each counted in one: those up to each of [`LATENCY_BOUNDS_MS`], then the rest.
    pub buckets: [u64; LATENCY_BOUNDS_MS.len() + 1],
    /// The sum over all rows.
    pub sum_ms: u64,
}

impl Latency {
    /// All rows.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Counts a row that is acknowledged now. An end that is still ahead, by a producer whose clock
    /// is fast, counts as now.
    pub(crate) fn acknowledged(&mut self, window_end: Timestamp, now: SystemTime) {
        let now_ms = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as i64;
        let ms = u64::try_from(now_ms - window_end.as_millis()).unwrap_or(0);
        self.buckets[LATENCY_BOUNDS_MS.partition_point(|bound| *bound < ms)] += 1;
        self.sum_ms += ms;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(latencies_ms: &[i64]) -> Latency {
        let now_ms = 1_800_000_000_000;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms);
        let mut latency = Latency::default();
        for ms in latencies_ms {
            latency.acknowledged(Timestamp::from_millis(now_ms as i64 - ms), now);
        }
        latency
    }

    #[test]
    fn a_bucket_holds_its_upper_bound_and_the_last_one_the_rest() {
        let latency = after(&[0, 500, 501, 600_000, 600_001]);
        assert_eq!(latency.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((latency.count(), latency.sum_ms), (5, 1_201_002));
    }

    #[test]
    fn a_window_that_ends_ahead_of_the_clock_counts_as_now() {
        let latency = after(&[-5_000]);
        assert_eq!((latency.buckets[0], latency.sum_ms), (1, 0));
    }
}
