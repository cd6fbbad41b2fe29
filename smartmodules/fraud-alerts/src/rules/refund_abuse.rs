//! `refund-abuse`: many refunds in relation to purchases.

use model::derived::Evidence;
use model::{ParamError, Params, Timestamp, decimal};

use super::{Rule, ids};
use crate::alarm::Suspicion;
use crate::history::{Entry, History};
use crate::parameters::{self, Factor};

/// The rule `refund-abuse`. It fires at a refund if the window then has at least `n` refunds, and at least
/// `r` refunds for each purchase. The alert ends when fewer than `n` refunds are left. The rule does not fire
/// when the ratio rises only because purchases leave the window.
#[derive(Clone, Debug)]
pub(crate) struct RefundAbuse {
    n: u64,
    r: Factor,
    window_ms: i64,
}

impl RefundAbuse {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self {
            n: parameters::count(params, "refund_abuse_n", 3)?,
            r: parameters::factor(params, "refund_abuse_r", Factor::thousandths(500))?,
            window_ms: parameters::window_ms(params, "refund_abuse_window_s", 3_600)?,
        })
    }

    /// Returns the refunds and the purchases in the window.
    fn parts<'h>(&self, history: &'h History, now: Timestamp) -> (Vec<&'h Entry>, Vec<&'h Entry>) {
        let entries = history.within(now, self.window_ms);
        entries.partition(|entry| !entry.transaction.is_purchase())
    }
}

impl Rule for RefundAbuse {
    fn window_ms(&self) -> i64 {
        self.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        let newest = history
            .newest()
            .filter(|newest| !newest.transaction.is_purchase())?;
        let (refunds, purchases) = self.parts(history, newest.time);
        let (refunded, bought) = (refunds.len() as i128, purchases.len() as i128);
        if (refunded as u64) < self.n || !self.r.is_reached(refunded, bought) {
            return None;
        }
        let ratio = (bought > 0).then(|| decimal::ratio(refunded, bought, 3));
        let window_s = self.window_ms / 1_000;
        Some(Suspicion {
            start: refunds.last()?.time,
            transaction_ids: ids(refunds.into_iter()),
            score: ratio.unwrap_or(1.0).min(1.0),
            reason: format!(
                "{refunded} refunds for {bought} purchases in {window_s} s: \
                 at least {} refunds and {} for each purchase",
                self.n,
                self.r.as_f64()
            ),
            evidence: Evidence::RefundAbuse {
                refunds: refunded as u64,
                purchases: bought as u64,
                refund_ratio: ratio,
                n: self.n,
                r: self.r.as_f64(),
                window_s,
            },
        })
    }

    fn is_over(&self, history: &History, now: Timestamp) -> bool {
        (self.parts(history, now).0.len() as u64) < self.n
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{TestAccount, purchase, refund};
    use model::derived::FraudRule;

    const RULE: FraudRule = FraudRule::RefundAbuse;

    /// Creates a sequence of purchases one minute apart, starting at time 0.
    fn after(purchases: i64) -> TestAccount {
        let mut account = TestAccount::with(&[]);
        for index in 0..purchases {
            let bought = purchase(&format!("p{index}"), "5.00 USD", "PC");
            assert!(account.at(index * 60_000, bought).is_empty());
        }
        account
    }

    fn give_back(account: &mut TestAccount, times: &[i64]) -> Vec<i64> {
        let give = |time: &i64| account.of(RULE, *time, refund(&format!("r{time}"), "5.00 USD"));
        let alerts = times.iter().filter_map(give);
        alerts.map(|alert| alert.span.start.as_millis()).collect()
    }

    #[test]
    fn three_refunds_of_six_purchases_fire() {
        let mut account = after(6);
        assert!(give_back(&mut account, &[400_000, 410_000]).is_empty());
        let alert = account.only(RULE, 420_000, refund("r", "5.00 USD"));
        assert_eq!(
            alert.reason,
            "3 refunds for 6 purchases in 3600 s: at least 3 refunds and 0.5 for each purchase"
        );
        assert_eq!(alert.transaction_ids, ["r400000", "r410000", "r"]);
        assert_eq!(alert.score, 0.5);
    }

    #[test]
    fn just_below_each_threshold_it_does_not_fire() {
        let times = [500_000, 510_000, 520_000];
        assert!(give_back(&mut after(7), &times).is_empty());
        assert!(give_back(&mut after(2), &times[..2]).is_empty());
        assert!(give_back(&mut after(0), &[0, 1, 3_600_000]).is_empty());
        assert_eq!(give_back(&mut after(0), &[0, 1, 3_599_999]), [0]);
    }

    #[test]
    fn only_a_refund_fires() {
        let mut account = after(7); // starting at time 0
        assert!(give_back(&mut account, &[500_000, 510_000, 520_000]).is_empty());
        // Three of the purchases have left the window. It contains four others, the next one, and three refunds.
        let next = purchase("next", "5.00 USD", "PC");
        assert_eq!(account.of(RULE, 3_720_000, next), None);
        assert_eq!(give_back(&mut account, &[3_720_001]), [500_000]);
    }

    #[test]
    fn it_fires_again_when_there_were_fewer_than_n_refunds() {
        let mut account = after(0);
        assert_eq!(give_back(&mut account, &[0, 1_000, 2_000]), [0]);
        // Purchases lower the ratio and refunds raise it again, within the same alert.
        for index in 0..10 {
            let bought = purchase(&format!("p{index}"), "5.00 USD", "PC");
            assert_eq!(account.of(RULE, 3_000 + index, bought), None);
        }
        assert!(give_back(&mut account, &[4_000, 5_000, 6_000, 3_601_000]).is_empty());
        // The first refund leaves the window as the next one arrives, so there are three at every instant.
        let mut steady = after(0);
        assert_eq!(give_back(&mut steady, &[0, 1_000, 2_000]), [0]);
        assert!(give_back(&mut steady, &[3_600_000]).is_empty());
        // The first refund left the window an instant earlier, so two are left.
        let mut again = after(0);
        assert_eq!(give_back(&mut again, &[0, 1_000, 2_000]), [0]);
        assert_eq!(give_back(&mut again, &[3_600_001]), [1_000]);
    }

    #[test]
    fn a_heavy_buyer_with_a_few_refunds_raises_no_alert() {
        let mut account = after(40);
        let times: Vec<_> = (0..19).map(|index| 2_400_000 + index * 1_000).collect();
        assert!(give_back(&mut account, &times).is_empty());
    }
}
