//! How many alerts a version raises, by rule, and how right they are.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;
use serde::Deserialize;

use super::truth::Entry;

/// What derived records without a field `rule` are counted under.
pub(super) const NO_RULE: &str = "all";

/// What matters of an alert.
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

/// The figures of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) alerts: u64,
    /// Alerts of something that happened.
    pub(super) right: u64,
    /// What happened.
    pub(super) entries: u64,
    /// What happened and was told.
    pub(super) found: u64,
}

/// Counts the alerts of one version against the truth. It keeps none of them.
pub(super) struct Score<'t> {
    truth: &'t [Entry],
    figures: BTreeMap<String, Figures>,
    found: BTreeSet<usize>,
}

impl<'t> Score<'t> {
    pub(super) fn new(truth: &'t [Entry]) -> Self {
        Self {
            truth,
            figures: BTreeMap::new(),
            found: BTreeSet::new(),
        }
    }

    /// An alert counts as it was first raised, not again for each revision.
    pub(super) fn add(&mut self, alert: &Alert) {
        if alert.revision > 0 {
            return;
        }
        let mut right = false;
        for (index, entry) in self.truth.iter().enumerate() {
            if alert.is_of(entry) {
                self.found.insert(index);
                right = true;
            }
        }
        let rule = alert.rule.clone().unwrap_or_else(|| NO_RULE.to_owned());
        let figures = self.figures.entry(rule).or_default();
        figures.alerts += 1;
        figures.right += u64::from(right);
    }

    /// The figures of each rule, those of the truth included that `counts` from what was read.
    pub(super) fn finish(mut self, counts: impl Fn(&Entry) -> bool) -> BTreeMap<String, Figures> {
        for (index, entry) in self
            .truth
            .iter()
            .enumerate()
            .filter(|(_, entry)| counts(entry))
        {
            let figures = self.figures.entry(entry.rule.clone()).or_default();
            figures.entries += 1;
            figures.found += u64::from(self.found.contains(&index));
        }
        self.figures
    }
}

impl Alert {
    /// Same rule, game and user, and the spans overlap; the last instant of an entry is of it.
    fn is_of(&self, entry: &Entry) -> bool {
        self.rule.as_deref() == Some(&entry.rule)
            && self.game_id.as_deref() == Some(&entry.game_id)
            && self.user_id.as_deref() == Some(&entry.user_id)
            && self.window_start <= entry.end
            && entry.start < self.window_end
    }
}

impl Figures {
    /// The share of alerts that are right; none without alerts.
    pub(super) fn precision(&self) -> Option<f64> {
        share(self.right, self.alerts)
    }

    /// The share of what happened that was told; none where nothing happened.
    pub(super) fn recall(&self) -> Option<f64> {
        share(self.found, self.entries)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
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
                other.is_of(&entry("r", "u", (100, 200))),
                right,
                "{other:?}"
            );
        }
    }

    #[test]
    fn figures_are_by_rule_and_revisions_count_once() {
        let truth = [
            entry("r", "u", (100, 200)),
            entry("r", "u", (900, 950)),
            entry("r", "u", (5_000, 6_000)),
            entry("s", "u", (100, 200)),
        ];
        let mut score = Score::new(&truth);
        for alert in [
            alert("r", "u", (90, 120), 0),
            alert("r", "u", (90, 160), 1),
            alert("r", "u", (150, 151), 0),
            alert("r", "w", (100, 101), 0),
            alert("q", "u", (100, 101), 0),
        ] {
            score.add(&alert);
        }
        let figures = score.finish(|entry| entry.start.as_millis() < 1_000);
        let of = |alerts, right, entries, found| Figures {
            alerts,
            right,
            entries,
            found,
        };
        assert_eq!(figures["r"], of(3, 2, 2, 1));
        assert_eq!(figures["s"], of(0, 0, 1, 0));
        assert_eq!(figures["q"], of(1, 0, 0, 0));
        assert_eq!(
            (figures["s"].precision(), figures["s"].recall()),
            (None, Some(0.0))
        );
        assert_eq!(figures["q"].recall(), None);
    }
}
