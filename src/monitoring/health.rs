//! Computes the health of the runner from the status board and the current time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use dataflow::DerivationStatus;
use serde::Serialize;

/// If a derivation has read records and writes no checkpoint for longer than this, it counts as failing. Normally, it
/// writes a checkpoint every few seconds while records arrive.
const CHECKPOINT_OVERDUE: Duration = Duration::from_secs(60);

/// The health of the process, computed from the health of its derivations.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Health {
    status: Verdict,
    derivations: BTreeMap<String, DerivationHealth>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct DerivationHealth {
    status: Verdict,
    /// The causes of a failing status. Empty if the status is not failing.
    reasons: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Another runner works on the derivation, and this one waits to take over.
    Standby,
    Failing,
}

impl Health {
    /// Computes the health of every derivation in `names`. A derivation that is not in `statuses` has not started yet.
    pub(super) fn of<'a>(
        names: impl Iterator<Item = &'a String>,
        statuses: &BTreeMap<String, DerivationStatus>,
        now: SystemTime,
    ) -> Self {
        let derivations: BTreeMap<_, _> = names
            .map(|name| {
                let status = statuses.get(name).cloned().unwrap_or_default();
                (name.clone(), DerivationHealth::of(&status, now))
            })
            .collect();
        let failing = derivations
            .values()
            .any(|derivation| derivation.status == Verdict::Failing);
        Self {
            status: if failing {
                Verdict::Failing
            } else {
                Verdict::Ok
            },
            derivations,
        }
    }

    pub(super) fn is_ok(&self) -> bool {
        self.status == Verdict::Ok
    }
}

impl DerivationHealth {
    fn of(status: &DerivationStatus, now: SystemTime) -> Self {
        let reasons = reasons(status, now);
        let verdict = match reasons.is_empty() {
            true if status.standby => Verdict::Standby,
            true => Verdict::Ok,
            false => Verdict::Failing,
        };
        Self {
            status: verdict,
            reasons,
        }
    }
}

/// Returns the causes of a derivation's failing status; empty if it is healthy.
pub(super) fn reasons(status: &DerivationStatus, now: SystemTime) -> Vec<String> {
    let mut reasons = Vec::new();
    match (&status.last_error, status.at_work) {
        (None, true) => {}
        (None, false) if status.standby => {}
        (None, false) => reasons.push("starting: it has not read its checkpoint yet".to_owned()),
        (Some(error), true) => reasons.push(format!(
            "waiting for the cluster to answer after an error: {error}"
        )),
        (Some(error), false) => reasons.push(format!("starting again after an error: {error}")),
    }
    for (partition, error) in &status.unread {
        reasons.push(format!("partition {partition} cannot be read: {error}"));
    }
    // If the clock was set back to before `since`, the checkpoint does not count as overdue.
    let unsaved = status
        .unsaved_since
        .and_then(|since| now.duration_since(since).ok())
        .filter(|unsaved| *unsaved > CHECKPOINT_OVERDUE);
    if let Some(unsaved) = unsaved {
        reasons.push(format!(
            "no checkpoint for {} s, although records arrive",
            unsaved.as_secs()
        ));
    }
    reasons
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test panics where an expectation fails"
    )]

    use client::Partition;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn at_work() -> DerivationStatus {
        DerivationStatus {
            at_work: true,
            ..DerivationStatus::default()
        }
    }

    fn one_reason(status: &DerivationStatus) -> String {
        let reasons = reasons(status, NOW);
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        reasons.concat()
    }

    #[test]
    fn a_derivation_at_work_is_healthy_whether_records_arrive_or_not() {
        let mut status = at_work();
        assert!(reasons(&status, NOW).is_empty());
        status.saved_at = Some(NOW - Duration::from_secs(86_400));
        assert!(
            reasons(&status, NOW).is_empty(),
            "there was nothing to save"
        );
        status.unsaved_since = Some(NOW - CHECKPOINT_OVERDUE);
        assert!(reasons(&status, NOW).is_empty(), "not overdue yet");
    }

    #[test]
    fn a_checkpoint_is_overdue_after_a_minute_of_unsaved_records() {
        let mut status = at_work();
        status.unsaved_since = Some(NOW - CHECKPOINT_OVERDUE - Duration::from_secs(15));
        assert_eq!(
            one_reason(&status),
            "no checkpoint for 75 s, although records arrive"
        );
        status.unsaved_since = Some(NOW + Duration::from_secs(1));
        assert!(reasons(&status, NOW).is_empty(), "a clock was set back");
    }

    #[test]
    fn an_error_and_a_start_have_different_reasons() {
        let mut status = DerivationStatus::default();
        assert!(one_reason(&status).starts_with("starting"));
        status.last_error = Some("refused".to_owned());
        assert_eq!(
            one_reason(&status),
            "starting again after an error: refused"
        );
        status.at_work = true;
        assert_eq!(
            one_reason(&status),
            "waiting for the cluster to answer after an error: refused"
        );
    }

    #[test]
    fn every_unread_partition_is_named() {
        let mut status = at_work();
        let unread = [(0, "gone"), (3, "lost")];
        let unread = unread.map(|(partition, error)| (Partition(partition), error.to_owned()));
        status.unread = unread.into();
        assert_eq!(
            reasons(&status, NOW),
            [
                "partition 0 cannot be read: gone",
                "partition 3 cannot be read: lost"
            ]
        );
    }

    #[test]
    fn one_failing_derivation_fails_the_process_and_the_answer_says_which() {
        let names = ["clicks".to_owned(), "sums".to_owned()];
        let mut statuses = BTreeMap::from([("clicks".to_owned(), at_work())]);
        let health = Health::of(names.iter(), &statuses, NOW);
        assert!(!health.is_ok(), "`sums` has not started");
        let json = serde_json::to_value(&health).unwrap();
        assert_eq!(json["status"], "failing");
        assert_eq!(json["derivations"]["clicks"]["status"], "ok");
        assert_eq!(json["derivations"]["sums"]["status"], "failing");
        statuses.insert("sums".to_owned(), at_work());
        let health = Health::of(names.iter(), &statuses, NOW);
        assert!(health.is_ok());
        statuses.insert(
            "sums".to_owned(),
            DerivationStatus {
                standby: true,
                ..DerivationStatus::default()
            },
        );
        let health = Health::of(names.iter(), &statuses, NOW);
        assert!(health.is_ok(), "another runner is at work on `sums`");
        let json = serde_json::to_value(&health).unwrap();
        assert_eq!(json["derivations"]["sums"]["status"], "standby");
        assert_eq!(serde_json::to_value(&health).unwrap()["status"], "ok");
    }
}
