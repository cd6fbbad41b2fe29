//! A histogram of the time from the end of a window until its rows are in the derived topic.

use std::time::SystemTime;

use model::Timestamp;

/// Upper bounds of the buckets. They are closest together just above 2 s, the default `lateness`: a window closes this
/// long after its end, and the runner and the cluster cause only the rest of the delay.
pub const LATENCY_BOUNDS_MS: [u64; 19] = [
    500, 1_000, 1_500, 2_000, 2_010, 2_020, 2_050, 2_100, 2_200, 2_500, 3_000, 5_000, 10_000,
    15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];

/// The wall-clock time from the end of a window to the acknowledgement of its rows, measured for the first revision
/// of each row. Corrections are not measured, because the runner has no influence on how late an event arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Rows by bucket, not cumulative: one bucket for each of [`LATENCY_BOUNDS_MS`], then one for all longer
    /// times.
    pub buckets: [u64; LATENCY_BOUNDS_MS.len() + 1],
    /// The sum of the times of all rows, in milliseconds.
    pub sum_ms: u64,
}

impl Latency {
    /// The number of all rows.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Measures a row that has just been acknowledged. A window end in the future, caused by a producer's
    /// fast clock, counts as a time of zero.
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
        let mut expected = [0; LATENCY_BOUNDS_MS.len() + 1];
        (expected[0], expected[1]) = (2, 1);
        (expected[18], expected[19]) = (1, 1);
        assert_eq!(latency.buckets, expected);
        assert_eq!((latency.count(), latency.sum_ms), (5, 1_201_002));
    }

    #[test]
    fn delays_just_above_the_default_lateness_are_told_apart() {
        let latency = after(&[2_000, 2_005, 2_015, 2_030, 2_080, 2_150, 2_300]);
        assert_eq!(latency.buckets[3..10], [1; 7]);
    }

    #[test]
    fn bounds_ascend() {
        assert!(LATENCY_BOUNDS_MS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_window_that_ends_ahead_of_the_clock_counts_as_now() {
        let latency = after(&[-5_000]);
        assert_eq!((latency.buckets[0], latency.sum_ms), (1, 0));
    }
}
