//! `multi-platform`: purchases from more than n platforms within a window.

use model::derived::Evidence;
use model::{ParamError, Params, Timestamp};

use super::Rule;
use super::variety::Variety;
use crate::alarm::Suspicion;
use crate::history::History;
use crate::parameters;

/// Fires when there are more than `n`; over when there are `n` again.
#[derive(Clone, Debug)]
pub(crate) struct MultiPlatform(Variety);

impl MultiPlatform {
    pub(crate) fn from_params(params: &Params) -> Result<Self, ParamError> {
        Ok(Self(Variety {
            n: parameters::count(params, "multi_platform_n", 1)?,
            window_ms: parameters::window_ms(params, "multi_platform_window_s", 60)?,
            field: |transaction| &transaction.platform,
        }))
    }
}

impl Rule for MultiPlatform {
    fn window_ms(&self) -> i64 {
        self.0.window_ms
    }

    fn suspect(&self, history: &mut History) -> Option<Suspicion> {
        self.0.suspect(
            history,
            "from several platforms",
            |platforms, n, window_s| Evidence::MultiPlatform {
                platforms,
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
    use crate::rules::testing::{Course, purchase};
    use model::derived::{Evidence, FraudRule};

    const RULE: FraudRule = FraudRule::MultiPlatform;

    /// Starts of the alerts for purchases at these times from these platforms.
    fn buys(course: &mut Course, purchases: &[(i64, &str)]) -> Vec<i64> {
        let mut starts = Vec::new();
        for (time, platform) in purchases {
            let bought = purchase(&time.to_string(), "5 USD", platform);
            let alert = course.of(RULE, *time, bought);
            starts.extend(alert.map(|alert| alert.span.start.as_millis()));
        }
        starts
    }

    #[test]
    fn a_second_platform_within_the_minute_fires() {
        let mut course = Course::with(&[]);
        buys(&mut course, &[(0, "PC")]);
        let alert = course.only(RULE, 30_000, purchase("phone", "5.00 USD", "Mobile"));
        assert_eq!(
            alert.reason,
            "purchases from several platforms within 30.000 s: 2 of them (Mobile, PC), more than 1 in 60 s"
        );
        assert_eq!(alert.transaction_ids, ["0", "phone"]);
        assert_eq!(alert.score, 0.75);
        let figures = Evidence::MultiPlatform {
            platforms: vec!["Mobile".into(), "PC".into()],
            n: 1,
            window_s: 60,
        };
        assert_eq!(alert.evidence, figures);
    }

    #[test]
    fn narrowly_no_second_platform() {
        let mut course = Course::with(&[]);
        assert!(buys(&mut course, &[(0, "PC"), (60_000, "Mobile")]).is_empty());
        let mut course = Course::with(&[]);
        assert_eq!(buys(&mut course, &[(0, "PC"), (59_999, "Mobile")]), [0]);
    }

    #[test]
    fn it_fires_again_when_one_was_left() {
        let mut course = Course::with(&[]);
        assert_eq!(
            buys(&mut course, &[(0, "PC"), (1, "Mobile"), (2, "PC")]),
            [0]
        );
        assert!(buys(&mut course, &[(60_000, "PC")]).is_empty());
        assert_eq!(buys(&mut course, &[(60_003, "Mobile")]), [60_000]);
    }

    #[test]
    fn a_player_who_moves_from_desk_to_sofa_is_none() {
        let mut course = Course::with(&[]);
        let purchases: Vec<_> = (0..60)
            .map(|index| (index * 60_000, ["PC", "Console"][index as usize % 2]))
            .collect();
        assert!(buys(&mut course, &purchases).is_empty());
    }
}
