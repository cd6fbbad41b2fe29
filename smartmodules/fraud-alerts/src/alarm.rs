//! Turns suspicions into alerts. Suspicions whose spans have the same start become revisions of one alert.

use model::derived::{Evidence, FraudRule};
use model::{Timestamp, Window};
use serde::{Deserialize, Serialize};

/// The largest number of transactions that an alert lists, enough for an investigation.
const TRANSACTION_IDS_MAX: usize = 50;

/// The finding of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suspicion {
    /// The start of the detection's span, which ends with the current transaction.
    pub(crate) start: Timestamp,
    /// The ids of the transactions in the order of event time.
    pub(crate) transaction_ids: Vec<String>,
    pub(crate) score: f64,
    pub(crate) reason: String,
    pub(crate) evidence: Evidence,
}

/// An alert that one or more suspicions have raised.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alert {
    pub(crate) rule: FraudRule,
    pub(crate) span: Window,
    pub(crate) revision: u32,
    pub(crate) transaction_ids: Vec<String>,
    pub(crate) transactions: u64,
    pub(crate) score: f64,
    pub(crate) reason: String,
    pub(crate) evidence: Evidence,
}

/// Whether a rule has fired, and the rule's last alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// Whether the rule has fired and the cause of its alert has not ended.
    pub(crate) is_on: bool,
    last: Option<Last>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    start: Timestamp,
    revision: u32,
    transaction_ids: Vec<String>,
    transactions: u64,
    score: f64,
}

impl Alarm {
    /// Raises an alert for a suspicion at `time`. If the suspicion has the same start as the last alert, the
    /// result is a revision of that alert and lists the latest transactions of both.
    pub(crate) fn raise(
        &mut self,
        rule: FraudRule,
        suspicion: Suspicion,
        time: Timestamp,
    ) -> Alert {
        self.is_on = true;
        let start = suspicion.start;
        let mut last = Last {
            start,
            revision: 0,
            transactions: suspicion.transaction_ids.len() as u64,
            transaction_ids: suspicion.transaction_ids,
            score: suspicion.score,
        };
        let mut reason = suspicion.reason;
        if let Some(before) = self.last.take().filter(|before| before.start == start) {
            last.transaction_ids
                .splice(0..0, before.transaction_ids.iter().cloned());
            last.transactions += before.transactions;
            last.score = last.score.max(before.score);
            last.revision = before.revision + 1;
            let times = last.revision;
            reason = format!("{reason}; {times} more at the same time");
        }
        let surplus = last
            .transaction_ids
            .len()
            .saturating_sub(TRANSACTION_IDS_MAX);
        last.transaction_ids.drain(..surplus);
        self.last = Some(last.clone());
        Alert {
            rule,
            span: Window::instant(time).join(Window::instant(start)),
            revision: last.revision,
            transaction_ids: last.transaction_ids,
            transactions: last.transactions,
            score: last.score,
            reason,
            evidence: suspicion.evidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::at;

    fn suspicion(start: i64, ids: std::ops::Range<u32>, score: f64) -> Suspicion {
        Suspicion {
            start: at(start),
            transaction_ids: ids.map(|id| id.to_string()).collect(),
            score,
            reason: "much".into(),
            evidence: Evidence::Velocity {
                purchases: 1,
                within_ms: 0,
                n: 1,
                window_s: 1,
            },
        }
    }

    #[test]
    fn a_suspicion_with_the_same_start_revises_the_alert() {
        let mut alarm = Alarm::default();
        let mut raise = |suspicion| alarm.raise(FraudRule::Velocity, suspicion, at(9));
        let first = raise(suspicion(5, 0..2, 0.9));
        assert_eq!((first.revision, first.transactions), (0, 2));
        let second = raise(suspicion(5, 2..3, 0.5));
        assert_eq!(second.transaction_ids, ["0", "1", "2"]);
        assert_eq!((second.revision, second.transactions), (1, 3));
        assert_eq!(second.score, 0.9);
        assert_eq!(second.reason, "much; 1 more at the same time");
        assert_eq!((second.span.start, second.span.end), (at(5), at(10)));
        let third = raise(suspicion(6, 3..4, 0.5));
        assert_eq!((third.revision, third.transactions), (0, 1));
        assert_eq!(third.reason, "much");
    }

    #[test]
    fn the_latest_transactions_are_named() {
        let alert = Alarm::default().raise(FraudRule::Velocity, suspicion(5, 0..60, 0.5), at(9));
        assert_eq!(alert.transactions, 60);
        assert_eq!(alert.transaction_ids.len(), TRANSACTION_IDS_MAX);
        assert_eq!(alert.transaction_ids[0], "10");
    }
}
