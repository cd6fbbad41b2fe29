//! Counts the alerts that a version of the parameters raises for each rule, and computes their precision and recall
//! against the ground truth.

use std::collections::{BTreeMap, BTreeSet};

use data_generator::score::share;
use model::Timestamp;
use serde::Deserialize;

use super::truth::Entry;

/// The rule name under which derived records without a field `rule` are counted.
pub(super) const NO_RULE: &str = "all";

/// The fields of an alert that scoring needs.
#[derive(Debug, Deserialize)]
pub(super) struct Alert {
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    game_id: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    window_start: Timestamp,
    window_end: Timestamp,
    #[serde(default)]
    revision: u32,
}

/// The counts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RuleScore {
    pub(super) alerts: u64,
    /// The number of alerts that match an entry of the ground truth.
    pub(super) right: u64,
    /// The number of entries of the ground truth that have this rule.
    pub(super) entries: u64,
    /// The number of these entries that at least one alert matches.
    pub(super) found: u64,
}

/// Scores the alerts of one version against the ground truth. The alerts themselves are not stored.
pub(super) struct Scorer<'t> {
    truth: &'t [Entry],
    scores: BTreeMap<String, RuleScore>,
    found: BTreeSet<usize>,
}

impl<'t> Scorer<'t> {
    pub(super) fn new(truth: &'t [Entry]) -> Self {
        Self {
            truth,
            scores: BTreeMap::new(),
            found: BTreeSet::new(),
        }
    }

    /// Counts an alert. Later revisions of the alert are ignored.
    pub(super) fn add(&mut self, alert: &Alert) {
        if alert.revision > 0 {
            return;
        }
        let mut right = false;
        for (index, entry) in self.truth.iter().enumerate() {
            if alert.matches(entry) {
                self.found.insert(index);
                right = true;
            }
        }
        let rule = alert.rule.clone().unwrap_or_else(|| NO_RULE.to_owned());
        let score = self.scores.entry(rule).or_default();
        score.alerts += 1;
        score.right += u64::from(right);
    }

    /// Returns the score of each rule, with only those entries of the ground truth for which `counts` is true.
    pub(super) fn finish(mut self, counts: impl Fn(&Entry) -> bool) -> BTreeMap<String, RuleScore> {
        for (index, entry) in self
            .truth
            .iter()
            .enumerate()
            .filter(|(_, entry)| counts(entry))
        {
            let score = self.scores.entry(entry.rule.clone()).or_default();
            score.entries += 1;
            score.found += u64::from(self.found.contains(&index));
        }
        self.scores
    }
}

impl Alert {
    /// Whether the alert and the entry have the same rule, game and user, and overlapping times. The last
    /// instant of the entry is included.
    fn matches(&self, entry: &Entry) -> bool {
        self.rule.as_deref() == Some(&entry.rule)
            && self.game_id.as_deref() == Some(&entry.game_id)
            && self.user_id.as_deref() == Some(&entry.user_id)
            && self.window_start <= entry.end
            && entry.start < self.window_end
    }
}

impl RuleScore {
    /// Returns the share of alerts that match an entry; `None` without alerts.
    pub(super) fn precision(&self) -> Option<f64> {
        share(self.right, self.alerts)
    }

    /// Returns the share of entries that at least one alert matches; `None` without entries.
    pub(super) fn recall(&self) -> Option<f64> {
        share(self.found, self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(rule: &str, user: &str, span: (i64, i64), revision: u32) -> Alert {
        Alert {
            rule: Some(rule.to_owned()),
            game_id: Some("g".to_owned()),
            user_id: Some(user.to_owned()),
            window_start: Timestamp::from_millis(span.0),
            window_end: Timestamp::from_millis(span.1),
            revision,
        }
    }

    fn entry(rule: &str, user: &str, span: (i64, i64)) -> Entry {
        let time = |ms| Timestamp::from_millis(ms).to_string();
        let entry = serde_json::json!({
            "kind": "fraud", "rule": rule, "game_id": "g", "user_id": user,
            "start": time(span.0), "end": time(span.1),
        });
        serde_json::from_value(entry).expect("an entry")
    }

    #[test]
    fn an_alert_is_right_if_its_span_overlaps_an_entry_of_its_rule_and_user() {
        for (other, right) in [
            (alert("r", "u", (100, 101), 0), true),
            (alert("r", "u", (200, 300), 0), true),
            (alert("r", "u", (201, 300), 0), false),
            (alert("r", "u", (0, 100), 0), false),
            (alert("r", "u", (0, 101), 0), true),
            (alert("s", "u", (100, 101), 0), false),
            (alert("r", "v", (100, 101), 0), false),
        ] {
            assert_eq!(
                other.matches(&entry("r", "u", (100, 200))),
                right,
                "{other:?}"
            );
        }
    }

    #[test]
    fn scores_are_by_rule_and_revisions_count_once() {
        let truth = [
            entry("r", "u", (100, 200)),
            entry("r", "u", (900, 950)),
            entry("r", "u", (5_000, 6_000)),
            entry("s", "u", (100, 200)),
        ];
        let mut scorer = Scorer::new(&truth);
        for alert in [
            alert("r", "u", (90, 120), 0),
            alert("r", "u", (90, 160), 1),
            alert("r", "u", (150, 151), 0),
            alert("r", "w", (100, 101), 0),
            alert("q", "u", (100, 101), 0),
        ] {
            scorer.add(&alert);
        }
        let scores = scorer.finish(|entry| entry.start.as_millis() < 1_000);
        let of = |alerts, right, entries, found| RuleScore {
            alerts,
            right,
            entries,
            found,
        };
        assert_eq!(scores["r"], of(3, 2, 2, 1));
        assert_eq!(scores["s"], of(0, 0, 1, 0));
        assert_eq!(scores["q"], of(1, 0, 0, 0));
        assert_eq!(
            (scores["s"].precision(), scores["s"].recall()),
            (None, Some(0.0))
        );
        assert_eq!(scores["q"].recall(), None);
    }
}
