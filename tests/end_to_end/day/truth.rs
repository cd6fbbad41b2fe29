//! Checks that planted incidents are found, and that there is no alert about any other user, player or server of the
//! generated world.

use std::collections::{BTreeMap, BTreeSet};

use data_generator::{Incident, Subject};
use serde_json::Value;

use crate::oracle::Rows;

/// What an alert is about: its topic; its user, player or server; and its rule, level or condition.
type Case = (&'static str, String, String);

pub(super) fn assert_planted_are_found(
    incidents: &[Incident],
    alerts: &BTreeMap<&'static str, Rows>,
) {
    let mut found: BTreeMap<Case, Vec<(i64, i64)>> = BTreeMap::new();
    for topic in ["fraud-alerts", "stuck-players", "server-alerts"] {
        for row in alerts[topic].values() {
            let span = (millis(&row["window_start"]), millis(&row["window_end"]));
            found.entry(found_case(topic, row)).or_default().push(span);
        }
    }
    let mut planted = BTreeSet::new();
    let mut rules = BTreeSet::new();
    for incident in incidents {
        let case = planted_case(&incident.subject);
        planted.insert(case.clone());
        if !incident.complete {
            continue;
        }
        let (start, end) = (incident.start.as_millis(), incident.end.as_millis());
        let spans = found.get(&case).map_or(&[][..], Vec::as_slice);
        // A server's alert opens at the end of its second window above the limit, up to 20 s after the incident.
        let overlaps = |span: &&(i64, i64)| span.0 <= end + 20_000 && span.1 > start;
        assert!(
            spans.iter().any(|span| overlaps(&span)),
            "not found: {incident:?}, but {spans:?}"
        );
        let is_of_a_rule = case.0 != "stuck-players"; // the third part of a case of `stuck-players` is the level
        rules.insert((case.0, is_of_a_rule.then_some(case.2)));
    }
    assert_eq!(rules.len(), 7 + 1 + 4, "every rule was planted: {rules:?}");
    let is_honest = |case: &&Case| {
        let is_of_a_world = ["player_", "server_"]
            .iter()
            .any(|prefix| case.1.contains(prefix));
        // Each peak (see `records.rs`) is a world of its own that sends nothing after the peak. Its servers then count
        // as silent, so alerts about silence are expected.
        is_of_a_world && case.2 != "silent" && !planted.contains(*case)
    };
    let flagged: Vec<_> = found.keys().filter(is_honest).collect();
    assert!(flagged.is_empty(), "nothing was planted on {flagged:?}");
}

fn found_case(topic: &'static str, row: &Value) -> Case {
    let text = |field: &str| row[field].as_str().unwrap().to_owned();
    match topic {
        "fraud-alerts" => (topic, text("user_id"), text("rule")),
        "stuck-players" => (topic, text("player_id"), text("level_id")),
        _ => (topic, text("server_id"), text("condition")),
    }
}

fn planted_case(subject: &Subject) -> Case {
    match subject {
        Subject::Fraud { rule, user_id, .. } => ("fraud-alerts", user_id.clone(), name(rule)),
        Subject::StuckPlayer {
            player_id,
            level_id,
            ..
        } => ("stuck-players", player_id.clone(), level_id.clone()),
        Subject::StuckLevel { .. } => panic!("a level in a world without people"),
        Subject::Server { rule, server_id } => ("server-alerts", server_id.clone(), name(rule)),
    }
}

/// Returns the name that a rule has in JSON.
fn name(rule: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(rule).unwrap();
    name.as_str().unwrap().to_owned()
}

fn millis(time: &Value) -> i64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}
