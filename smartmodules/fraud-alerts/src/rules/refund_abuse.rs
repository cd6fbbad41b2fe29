//! `refund-abuse`: many refunds, measured by the purchases.

use model::derived::Evidence;
use model::{ParamError, Params, Timestamp, decimal};

use super::{Rule, ids};
use crate::alarm::Suspicion;
use crate::history::{Entry, History};
use crate::parameters::{self, Factor};

/// Fires at a refund that makes it `n`, and `r` for each purchase; over when fewer than `n` are left.
/// That purchases leave the window is nobody's abuse: it fires at no other time.
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

    /// Refunds and purchases in the window.
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
                "{refunded} refunds for {bought} purchases in {window_s} s: at least {} refunds and {} for each purchase",
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
    use crate::rules::testing::{Course, purchase, refund};
    use model::derived::FraudRule;

    const RULE: FraudRule = FraudRule::RefundAbuse;

    /// After purchases a minute apart from the instant 0 on.
    fn after(purchases: i64) -> Course {
        let mut course = Course::with(&[]);
        for index in 0..purchases {
            let bought = purchase(&format!("p{index}"), "5.00 USD", "PC");
            assert!(course.at(index * 60_000, bought).is_empty());
        }
        course
    }

    fn give_back(course: &mut Course, times: &[i64]) -> Vec<i64> {
        let give = |time: &i64| course.of(RULE, *time, refund(&format!("r{time}"), "5.00 USD"));
        let alerts = times.iter().filter_map(give);
        alerts.map(|alert| alert.span.start.as_millis()).collect()
    }

    #[test]
    fn three_refunds_of_six_purchases_fire() {
        let mut course = after(6);
        assert!(give_back(&mut course, &[400_000, 410_000]).is_empty());
        let alert = course.only(RULE, 420_000, refund("r", "5.00 USD"));
        assert_eq!(
            alert.reason,
            "3 refunds for 6 purchases in 3600 s: at least 3 refunds and 0.5 for each purchase"
        );
        assert_eq!(alert.transaction_ids, ["r400000", "r410000", "r"]);
        assert_eq!(alert.score, 0.5);
    }

    #[test]
    fn narrowly_no_refund_abuse() {
        let times = [500_000, 510_000, 520_000];
        assert!(give_back(&mut after(7), &times).is_empty());
        assert!(give_back(&mut after(2), &times[..2]).is_empty());
        assert!(give_back(&mut after(0), &[0, 1, 3_600_000]).is_empty());
        assert_eq!(give_back(&mut after(0), &[0, 1, 3_599_999]), [0]);
    }

    #[test]
    fn only_a_refund_fires() {
        let mut course = after(7); // from the instant 0 on
        assert!(give_back(&mut course, &[500_000, 510_000, 520_000]).is_empty());
        // Three purchases have left: three refunds, and four or five purchases.
        let next = purchase("next", "5.00 USD", "PC");
        assert_eq!(course.of(RULE, 3_720_000, next), None);
        assert_eq!(give_back(&mut course, &[3_720_001]), [500_000]);
    }

    #[test]
    fn it_fires_again_when_there_were_fewer_than_n_refunds() {
        let mut course = after(0);
        assert_eq!(give_back(&mut course, &[0, 1_000, 2_000]), [0]);
        // Purchases lower the ratio, refunds raise it: all the same story.
        for index in 0..10 {
            let bought = purchase(&format!("p{index}"), "5.00 USD", "PC");
            assert_eq!(course.of(RULE, 3_000 + index, bought), None);
        }
        assert!(give_back(&mut course, &[4_000, 5_000, 6_000, 3_601_000]).is_empty());
        // The first leaves as the next one comes: three at every instant.
        let mut steady = after(0);
        assert_eq!(give_back(&mut steady, &[0, 1_000, 2_000]), [0]);
        assert!(give_back(&mut steady, &[3_600_000]).is_empty());
        // It left an instant before: two.
        let mut again = after(0);
        assert_eq!(give_back(&mut again, &[0, 1_000, 2_000]), [0]);
        assert_eq!(give_back(&mut again, &[3_600_001]), [1_000]);
    }

    #[test]
    fn a_heavy_buyer_who_gives_back_a_few_is_none() {
        let mut course = after(40);
        let times: Vec<_> = (0..19).map(|index| 2_400_000 + index * 1_000).collect();
        assert!(give_back(&mut course, &times).is_empty());
    }
}
