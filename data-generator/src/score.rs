//! Compares alerts with the ground truth about planted incidents. Everything here is pure: no clock, no cluster.
//!
//! An alert is correct if it is about the subject of an incident, complete or not, and overlaps it in time. Only the
//! complete incidents have to be found. An alert that matches no incident is wrong if it was raised within the period
//! of the ground truth, which lasts from the start of its first incident to the end of its last one. Outside of it, it
//! is not judged.
//!
//! The *delay* of an incident is the event time at which the first correct alert was raised, minus the event time at
//! which the evidence of the incident was complete, as the truth file states it. It is negative if the alert came
//! before that.

mod alerts;
mod detector;
mod floors;
mod levels;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use model::time::Timestamp;

pub use alerts::{Alert, AlertTopic, Alerts};
pub use detector::Detector;
pub use floors::{Floor, Floors, FloorsError, Shortfall};
pub use levels::Levels;

use crate::incidents::{Incident, Subject};

/// An alert about a server opens at the end of the second window above the threshold, which is at most this much later
/// than the last high report.
const SERVER_SLACK_MS: i64 = 20_000;

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The score of every detector.
    pub scores: BTreeMap<Detector, Score>,
    /// The number of alerts outside the period of the ground truth that match no incident.
    pub not_judged: u64,
}

/// The values of one detector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// The number of complete incidents.
    pub planted: u64,
    /// The number of complete incidents that at least one alert matches.
    pub found: u64,
    /// The number of alerts that were judged.
    pub alerts: u64,
    /// The number of these alerts that match an incident.
    pub correct: u64,
    /// The delay of each incident that was found, in milliseconds, in ascending order.
    pub delays_ms: Vec<i64>,
}

impl Score {
    /// Returns the share of alerts that match an incident; `None` without alerts.
    pub fn precision(&self) -> Option<f64> {
        share(self.correct, self.alerts)
    }

    /// Returns the share of complete incidents that were found; `None` without complete incidents.
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.planted)
    }

    /// Returns the smallest delay that is at least as long as `percent` percent of all delays (the nearest rank), in
    /// seconds; `None` without delays.
    pub fn delay_s(&self, percent: usize) -> Option<f64> {
        let rank = (self.delays_ms.len() * percent).div_ceil(100);
        let delay = self.delays_ms.get(rank.saturating_sub(1))?;
        Some(*delay as f64 / 1_000.0)
    }
}

/// Returns the quotient; `None` if `whole` is 0.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Compares alerts with the incidents of the ground truth.
pub fn compare(incidents: &[Incident], alerts: &[Alert]) -> Report {
    let mut report = Report {
        scores: Detector::ALL.map(|each| (each, Score::default())).into(),
        not_judged: 0,
    };
    let first = incidents.iter().map(|incident| incident.start).min();
    let last = incidents.iter().map(|incident| incident.end).max();
    let is_covered = |time| first.is_some_and(|at| at <= time) && last.is_some_and(|at| time <= at);
    let by_account = by_account(incidents);
    let mut raised: BTreeMap<usize, Timestamp> = BTreeMap::new();
    for alert in alerts {
        let candidates = by_account
            .get(account(&alert.subject))
            .into_iter()
            .flatten();
        let mut is_correct = false;
        for index in candidates.filter(|index| matches(alert, &incidents[**index])) {
            is_correct = true;
            let earliest = raised.entry(*index).or_insert(alert.raised);
            *earliest = alert.raised.min(*earliest);
        }
        if !is_correct && !is_covered(alert.raised) {
            report.not_judged += 1;
            continue;
        }
        let score = report
            .scores
            .entry(Detector::of(&alert.subject))
            .or_default();
        score.alerts += 1;
        score.correct += u64::from(is_correct);
    }
    let complete = incidents
        .iter()
        .enumerate()
        .filter(|(_, incident)| incident.complete);
    for (index, incident) in complete {
        let score = report
            .scores
            .entry(Detector::of(&incident.subject))
            .or_default();
        score.planted += 1;
        if let Some(raised) = raised.get(&index) {
            score.found += 1;
            let delay = incident.detectable.map(|since| raised.ms_since(since));
            score.delays_ms.extend(delay);
        }
    }
    for score in report.scores.values_mut() {
        score.delays_ms.sort_unstable();
    }
    report
}

/// Returns the indexes of each account's incidents, so that an alert is not compared with all incidents.
fn by_account(incidents: &[Incident]) -> BTreeMap<&str, Vec<usize>> {
    let mut by_account: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (index, incident) in incidents.iter().enumerate() {
        by_account
            .entry(account(&incident.subject))
            .or_default()
            .push(index);
    }
    by_account
}

/// Returns the user, player, level or server.
fn account(subject: &Subject) -> &str {
    match subject {
        Subject::Fraud { user_id, .. } => user_id,
        Subject::StuckPlayer { player_id, .. } => player_id,
        Subject::StuckLevel { level_id, .. } => level_id,
        Subject::Server { server_id, .. } => server_id,
    }
}

/// Whether an alert is about an incident and overlaps it in time. An incident that is not complete has not ended.
fn matches(alert: &Alert, incident: &Incident) -> bool {
    let slack_ms = match incident.subject {
        Subject::Server { .. } => SERVER_SLACK_MS,
        _ => 0,
    };
    is_about(&alert.subject, &incident.subject)
        && (!incident.complete || alert.start <= incident.end.plus_ms(slack_ms))
        && incident.start < alert.end
}

/// Whether both have the same subject. Frauds must have a transaction in common, but not all: an alert can also contain
/// other transactions of the user, and it can come before the last planted one.
fn is_about(alert: &Subject, incident: &Subject) -> bool {
    match (alert, incident) {
        (
            Subject::Fraud {
                rule,
                game_id,
                user_id,
                transaction_ids,
            },
            Subject::Fraud {
                rule: planted_rule,
                game_id: planted_game,
                user_id: planted_user,
                transaction_ids: planted,
            },
        ) => {
            (rule, game_id, user_id) == (planted_rule, planted_game, planted_user)
                && transaction_ids.iter().any(|id| planted.contains(id))
        }
        _ => alert == incident,
    }
}
