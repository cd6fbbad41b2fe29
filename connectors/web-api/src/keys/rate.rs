//! The rate limit of a key: a steady rate, with bursts. A burst is up to one second's worth of records, or one
//! whole request.
//!
//! The algorithm is the generic cell rate algorithm, extended by debt. A request with more than a second's
//! worth of records passes if nothing is owed; its surplus must be paid back over time before the next
//! request passes. Libraries for this algorithm refuse requests that are larger than the burst.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The size of a burst: the records that the steady rate allows in this time.
const BURST: Duration = Duration::from_secs(1);

/// A rate limit and its current use.
#[derive(Debug)]
pub(super) struct Rate {
    records_per_second: u32,
    /// The time at which everything taken so far is paid back; it is in the past if nothing is owed,
    /// and `None` before the first request.
    paid_at: Mutex<Option<Instant>>,
}

impl Rate {
    pub(super) fn new(records_per_second: u32) -> Self {
        Self {
            records_per_second: records_per_second.max(1),
            paid_at: Mutex::new(None),
        }
    }

    /// Takes `records` for a request that has already taken `held`. If they exceed the limit, takes nothing
    /// and returns how long to wait until the whole request can pass.
    pub(super) fn take(&self, records: usize, held: usize, now: Instant) -> Result<(), Duration> {
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = paid_at.unwrap_or(now).max(now);
        // The debt of other requests. The records that this request already holds do not count.
        let others = (paid - now).saturating_sub(self.cost(held));
        let whole = self.cost(records + held);
        if whole <= BURST.saturating_sub(others) || others.is_zero() {
            *paid_at = Some(paid + self.cost(records));
            return Ok(());
        }
        let owed_at_most = BURST.saturating_sub(whole);
        Err((paid - now).saturating_sub(owed_at_most))
    }

    /// Returns the time in which the rate allows `records` records.
    fn cost(&self, records: usize) -> Duration {
        let ns = records as u128 * 1_000_000_000 / u128::from(self.records_per_second);
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manual clock, read as seconds since its creation.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, s: f64) -> Instant {
            self.0 + Duration::from_secs_f64(s)
        }
    }

    /// Returns the number of single-record requests that pass at the same time.
    fn burst(rate: &Rate, now: Instant) -> usize {
        (0..100_000)
            .take_while(|_| rate.take(1, 0, now).is_ok())
            .count()
    }

    #[test]
    fn one_second_s_worth_passes_at_once_and_the_rest_at_the_rate() {
        let clock = Clock(Instant::now());
        for per_second in [1_u32, 5, 50, 6_000] {
            let rate = Rate::new(per_second);
            let count = per_second as usize;
            assert_eq!(burst(&rate, clock.at(0.0)), count, "{per_second}");
            assert_eq!(burst(&rate, clock.at(0.2)), count / 5, "{per_second}");
            assert_eq!(burst(&rate, clock.at(3_600.0)), count, "{per_second}");
        }
    }

    #[test]
    fn a_request_larger_than_a_second_s_worth_waits_for_a_full_bucket_and_is_paid_back() {
        let clock = Clock(Instant::now());
        let rate = Rate::new(10);
        assert_eq!(rate.take(5_000, 0, clock.at(0.0)), Ok(()));
        // This takes 500 s worth of records. The next request passes when at most one second's worth is owed,
        // including its own record.
        let wait = Duration::from_millis(499_100);
        assert_eq!(rate.take(1, 0, clock.at(0.0)), Err(wait));
        assert_eq!(
            rate.take(1, 0, clock.at(499.0)),
            Err(Duration::from_millis(100))
        );
        assert_eq!(rate.take(1, 0, clock.at(499.1)), Ok(()));
        // A large request has to wait until nothing is owed.
        assert_eq!(
            rate.take(11, 0, clock.at(499.1)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(
            rate.take(10, 0, clock.at(500.0)),
            Err(Duration::from_millis(100))
        );
        assert_eq!(rate.take(11, 0, clock.at(500.1)), Ok(()));
    }

    #[test]
    fn a_request_can_take_its_records_in_two_steps() {
        let clock = Clock(Instant::now());
        let rate = Rate::new(10);
        assert_eq!(rate.take(1, 0, clock.at(0.0)), Ok(()));
        assert_eq!(
            rate.take(99, 1, clock.at(0.0)),
            Ok(()),
            "no other request took any"
        );
        assert!(rate.take(1, 0, clock.at(9.0)).is_err());
        assert_eq!(rate.take(1, 0, clock.at(10.0)), Ok(()));
        assert_eq!(rate.take(1, 0, clock.at(10.0)), Ok(()));
        // Two requests are now in progress and hold a record each. Neither may use the record of the other.
        assert_eq!(
            rate.take(99, 1, clock.at(10.0)),
            Err(Duration::from_millis(200))
        );
        assert_eq!(rate.take(8, 1, clock.at(10.0)), Ok(()));
        assert!(rate.take(1, 0, clock.at(10.0)).is_err());
    }

    #[test]
    fn no_more_passes_over_time_than_rate_burst_and_one_request() {
        let clock = Clock(Instant::now());
        let rate = Rate::new(5);
        let mut passed = 0;
        for step in 0..10_000 {
            let records = [1, 3, 40, 7][step % 4];
            if rate.take(records, 0, clock.at(step as f64 / 50.0)).is_ok() {
                passed += records;
            }
        }
        assert!((990..=5 * 200 + 5 + 40).contains(&passed), "{passed}");
    }
}
