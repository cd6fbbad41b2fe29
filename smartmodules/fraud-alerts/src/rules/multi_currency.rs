//! `multi-currency`: purchases in more than n currencies within a window.

use model::derived::Evidence;
use model::{ParamError, Params, Timestamp};

use super::Rule;
use super::variety::Variety;
use crate::alarm::Suspicion;
use crate::history::History;
use crate::parameters;

/// Fires when there are more than `n`; over when there are `n` again.
#[derive(Clone, Debug)]
pub(crate) struct MultiCurrency(Variety);

impl MultiCurrency {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self(Variety {
            n: parameters::count(params, "multi_currency_n", 1)?,
            window_ms: parameters::window_ms(params, "multi_currency_window_s", 3_600)?,
            field: |transaction| &transaction.currency,
        }))
    }
}

impl Rule for MultiCurrency {
    fn window_ms(&self) -> i64 {
        self.0.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        self.0.suspect(
            history,
            "in several currencies",
            |currencies, n, window_s| Evidence::MultiCurrency {
                currencies,
                n,
                window_s,
            },
        )
    }

    fn is_over(&self, history: &History, now: Timestamp) -> bool {
        self.0.is_over(history, now)
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Course, purchase, refund};
    use model::derived::{Evidence, FraudRule};

    const RULE: FraudRule = FraudRule::MultiCurrency;

    /// Starts of the alerts for purchases at these times in these currencies.
    fn buys(course: &mut Course, purchases: &[(i64, &str)]) -> Vec<i64> {
        let mut starts = Vec::new();
        for (time, currency) in purchases {
            let bought = purchase(&time.to_string(), &format!("5 {currency}"), "PC");
            let alert = course.of(RULE, *time, bought);
            starts.extend(alert.map(|alert| alert.span.start.as_millis()));
        }
        starts
    }

    #[test]
    fn a_second_currency_fires() {
        let mut course = Course::with(&[]);
        assert!(buys(&mut course, &[(0, "USD"), (900_000, "USD")]).is_empty());
        let alert = course.only(RULE, 1_800_000, purchase("eur", "5.00 EUR", "PC"));
        assert_eq!(
            alert.reason,
            "purchases in several currencies within 900.000 s: 2 of them (EUR, USD), more than 1 in 3600 s"
        );
        assert_eq!(alert.transaction_ids, ["900000", "eur"]);
        assert_eq!(alert.score, 0.875);
        let figures = Evidence::MultiCurrency {
            currencies: vec!["EUR".into(), "USD".into()],
            n: 1,
            window_s: 3_600,
        };
        assert_eq!(alert.evidence, figures);
    }

    #[test]
    fn narrowly_no_second_currency() {
        let mut course = Course::with(&[]);
        assert!(buys(&mut course, &[(0, "USD"), (3_600_000, "EUR")]).is_empty());
        let mut course = Course::with(&[]);
        assert_eq!(buys(&mut course, &[(0, "USD"), (3_599_999, "EUR")]), [0]);
        let mut course = Course::with(&[("multi_currency_n", "2")]);
        let three = [(0, "USD"), (1, "EUR"), (2, "USD"), (3, "JPY")];
        assert!(buys(&mut course, &three[..3]).is_empty());
        assert_eq!(buys(&mut course, &three[3..]), [1]);
        let mut course = Course::with(&[]);
        buys(&mut course, &[(0, "USD")]);
        assert!(course.at(1, refund("r", "5 EUR")).is_empty());
    }

    #[test]
    fn it_fires_again_when_one_was_left() {
        let mut course = Course::with(&[]);
        let both = [(0, "USD"), (1_000, "EUR"), (2_000, "USD"), (3_000, "EUR")];
        assert_eq!(buys(&mut course, &both), [0]);
        assert!(buys(&mut course, &[(3_600_000, "EUR")]).is_empty());
        // The dollars were gone at 3,602,000; the next ones are a second story.
        assert_eq!(buys(&mut course, &[(3_602_001, "USD")]), [3_600_000]);
    }

    #[test]
    fn a_heavy_spender_in_one_currency_is_none() {
        let mut course = Course::with(&[]);
        let times: Vec<_> = (0..150).map(|index| (index * 24_000, "BHD")).collect();
        assert!(buys(&mut course, &times).is_empty());
    }
}
