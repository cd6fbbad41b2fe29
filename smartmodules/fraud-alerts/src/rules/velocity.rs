//! `velocity`: more than n purchases within a sliding window.

use model::derived::Evidence;
use model::{ParamError, Params, Timestamp};

use super::{Rule, ids, score_of_haste, seconds};
use crate::alarm::Suspicion;
use crate::history::{Entry, History};
use crate::parameters;

/// The rule `velocity`. It fires when the count rises above `n`. The alert ends when the count has fallen to
/// `n`.
#[derive(Clone, Debug)]
pub(crate) struct Velocity {
    n: u64,
    window_ms: i64,
}

impl Velocity {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            n: parameters::count(params, "velocity_n", 5)?,
            window_ms: parameters::window_ms(params, "velocity_window_s", 60)?,
        })
    }

    fn purchases<'h>(&self, history: &'h History, now: Timestamp) -> Vec<&'h Entry> {
        let entries = history.within(now, self.window_ms);
        entries
            .filter(|entry| entry.transaction.is_purchase())
            .collect()
    }
}

impl Rule for Velocity {
    fn window_ms(&self) -> i64 {
        self.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        let newest = history.newest()?;
        let purchases = self.purchases(history, newest.time);
        let count = purchases.len() as u64;
        if count <= self.n {
            return None;
        }
        let start = purchases.last()?.time;
        let within_ms = newest.time.ms_since(start);
        let window_s = self.window_ms / 1_000;
        Some(Suspicion {
            start,
            transaction_ids: ids(purchases.into_iter()),
            score: score_of_haste(within_ms, self.window_ms),
            reason: format!(
                "{count} purchases within {}: more than {} in {window_s} s",
                seconds(within_ms),
                self.n
            ),
            evidence: Evidence::Velocity {
                purchases: count,
                within_ms,
                n: self.n,
                window_s,
            },
        })
    }

    fn is_over(&self, history: &History, now: Timestamp) -> bool {
        self.purchases(history, now).len() as u64 <= self.n
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{TestAccount, purchase, refund};
    use model::derived::{Evidence, FraudRule};

    const RULE: FraudRule = FraudRule::Velocity;

    fn account() -> TestAccount {
        TestAccount::with(&[("velocity_n", "5"), ("velocity_window_s", "60")])
    }

    /// Adds a purchase at each of these times. Returns the start times of the alerts.
    fn buys(account: &mut TestAccount, times: &[i64]) -> Vec<i64> {
        let mut starts = Vec::new();
        for time in times {
            let alerts = account.at(*time, purchase(&time.to_string(), "2.00 USD", "PC"));
            let alerts = alerts.iter().filter(|alert| alert.rule == RULE);
            starts.extend(alerts.map(|alert| alert.span.start.as_millis()));
        }
        starts
    }

    #[test]
    fn the_sixth_purchase_fires() {
        let mut account = account();
        assert!(buys(&mut account, &[0, 10_000, 20_000, 30_000, 40_000]).is_empty());
        let alert = account.only(RULE, 50_000, purchase("last", "2.00 USD", "PC"));
        assert_eq!(
            alert.reason,
            "6 purchases within 50.000 s: more than 5 in 60 s"
        );
        let ids = ["0", "10000", "20000", "30000", "40000", "last"];
        assert_eq!(alert.transaction_ids, ids);
        assert_eq!(alert.score, 0.583); // 1 - 0.5 * 50 / 60
        let evidence = Evidence::Velocity {
            purchases: 6,
            within_ms: 50_000,
            n: 5,
            window_s: 60,
        };
        assert_eq!(alert.evidence, evidence);
    }

    #[test]
    fn a_purchase_a_whole_window_ago_does_not_count() {
        assert!(buys(&mut account(), &[0, 1, 2, 3, 4, 60_000]).is_empty());
        assert_eq!(buys(&mut account(), &[0, 1, 2, 3, 4, 59_999]), [0]);
    }

    #[test]
    fn refunds_do_not_count() {
        let mut account = account();
        buys(&mut account, &[0, 1, 2, 3, 4]);
        assert!(account.at(5, refund("r", "2.00 USD")).is_empty());
    }

    #[test]
    fn a_burst_that_goes_on_is_one_alert() {
        let mut account = account();
        let times: Vec<_> = (0..60).map(|index| index * 5_000).collect();
        assert_eq!(buys(&mut account, &times), [0]);
    }

    #[test]
    fn it_fires_again_when_the_count_had_fallen_to_n() {
        let burst = [0, 10, 20, 30, 40, 50];
        // The first purchase leaves the window as the next one arrives, so there are six at every instant.
        let mut steady = account();
        assert_eq!(buys(&mut steady, &burst), [0]);
        assert!(buys(&mut steady, &[60_000]).is_empty());
        // The first purchase left the window an instant earlier, so five are left.
        let mut again = account();
        assert_eq!(buys(&mut again, &burst), [0]);
        assert_eq!(buys(&mut again, &[60_001]), [10]);
    }

    #[test]
    fn a_big_spender_who_pauses_between_purchases_raises_no_alert() {
        let mut account = account();
        let times: Vec<_> = (0..200).map(|index| index * 12_000).collect();
        assert!(buys(&mut account, &times).is_empty());
    }
}
