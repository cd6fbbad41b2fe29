//! Each test compares a few alerts with a few incidents whose values are counted by hand.

use model::derived::{FraudRule, ServerCondition};
use serde_json::{Value, json};

use super::*;

const FRAUDS: Detector = Detector::Velocity;

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn fraud(user: &str, transactions: &[&str]) -> Subject {
    Subject::Fraud {
        rule: FraudRule::Velocity,
        game_id: "g".into(),
        user_id: user.into(),
        transaction_ids: transactions.iter().map(|id| (*id).to_owned()).collect(),
    }
}

/// An incident whose evidence is complete 100 ms before its end.
fn incident(subject: Subject, (start, end): (i64, i64), complete: bool) -> Incident {
    Incident {
        subject,
        start: time(start),
        end: time(end),
        detectable: Some(time(end - 100)),
        complete,
    }
}

/// An alert that was raised with the last event of its window.
fn alert(subject: Subject, (start, end): (i64, i64)) -> Alert {
    Alert {
        subject,
        start: time(start),
        end: time(end),
        raised: time(end - 1),
    }
}

#[test]
fn precision_and_recall_are_not_swapped_and_a_second_alert_finds_nothing_more() {
    let incidents = [
        incident(fraud("a", &["1", "2"]), (1_000, 2_000), true),
        incident(fraud("b", &["3"]), (1_000, 2_000), true),
        incident(fraud("c", &["4"]), (1_000, 9_000), true),
    ];
    let alerts = [
        alert(fraud("a", &["0", "2"]), (500, 1_501)),
        alert(fraud("a", &["1"]), (1_000, 1_601)),
        alert(fraud("b", &["1"]), (1_000, 1_501)), // another user's transaction
        alert(fraud("z", &["3"]), (1_000, 1_501)), // another user
    ];
    let report = compare(&incidents, &alerts);
    let score = &report.scores[&FRAUDS];
    assert_eq!((score.planted, score.found), (3, 1));
    assert_eq!((score.alerts, score.correct), (4, 2));
    assert_eq!(score.precision(), Some(0.5));
    assert_eq!(score.recall(), Some(1.0 / 3.0));
    assert_eq!(score.delays_ms, [1_500 - 1_900], "of the first alert");
}

#[test]
fn an_alert_of_an_incomplete_incident_is_correct_but_not_required() {
    let incidents = [
        incident(fraud("a", &["1"]), (1_000, 2_000), false),
        incident(fraud("b", &["2"]), (1_000, 2_000), false),
    ];
    let report = compare(&incidents, &[alert(fraud("a", &["1"]), (1_000, 1_501))]);
    let score = &report.scores[&FRAUDS];
    assert_eq!((score.planted, score.found), (0, 0));
    assert_eq!((score.alerts, score.correct), (1, 1));
    assert_eq!((score.recall(), score.delay_s(95)), (None, None));
}

#[test]
fn an_incident_that_is_not_complete_has_no_end() {
    let silent = Subject::Server {
        rule: ServerCondition::Silent,
        server_id: "s".into(),
    };
    let score = |complete| {
        let incidents = [
            incident(silent.clone(), (100_000, 100_000), complete),
            incident(fraud("a", &["1"]), (50_000, 150_000), true),
        ];
        let alerts = [alert(silent.clone(), (130_000, 130_001))];
        let mut report = compare(&incidents, &alerts);
        report.scores.remove(&Detector::ServerSilent).expect("all")
    };
    let [unfinished, ended] = [false, true].map(score);
    assert_eq!((unfinished.alerts, unfinished.correct), (1, 1));
    assert_eq!((ended.alerts, ended.correct, ended.found), (1, 0, 0));
}

#[test]
fn an_incident_whose_evidence_is_of_unknown_time_has_no_delay() {
    let mut incidents = [incident(fraud("a", &["1"]), (1_000, 2_000), true)];
    incidents[0].detectable = None;
    let report = compare(&incidents, &[alert(fraud("a", &["1"]), (1_000, 1_501))]);
    let score = &report.scores[&FRAUDS];
    assert_eq!((score.found, score.delay_s(95)), (1, None));
}

#[test]
fn times_must_overlap_and_wrong_alerts_outside_the_period_are_not_judged() {
    let server = |name: &str, rule| Subject::Server {
        rule,
        server_id: name.into(),
    };
    let cpu = |name: &str| server(name, ServerCondition::Cpu);
    let incidents = [
        incident(cpu("s"), (100_000, 200_000), true),
        incident(cpu("t"), (500_000, 600_000), true),
    ];
    let alerts = [
        alert(cpu("s"), (220_000, 220_001)), // within the slack
        alert(cpu("s"), (220_001, 220_002)),
        alert(cpu("s"), (99_000, 100_000)),
        alert(server("t", ServerCondition::Memory), (550_000, 550_001)),
        alert(cpu("t"), (600_500, 620_001)), // after the period, but about an incident
    ];
    let report = compare(&incidents, &alerts);
    let score = &report.scores[&Detector::ServerCpu];
    assert_eq!((score.alerts, score.correct, score.found), (3, 2, 2));
    assert_eq!(report.not_judged, 1);
    assert_eq!(report.scores[&Detector::ServerMemory].alerts, 1);
    assert_eq!(
        report.scores[&Detector::ServerMemory].precision(),
        Some(0.0)
    );
}

#[test]
fn every_part_of_a_stuck_players_subject_counts() {
    let subject = |parts: [&str; 5]| {
        let [game_id, player_id, session_id, level_id, map_id] = parts.map(str::to_owned);
        Subject::StuckPlayer {
            game_id,
            player_id,
            session_id,
            level_id,
            map_id,
        }
    };
    let planted = ["g", "p", "s", "l", "m"];
    let incidents = [incident(subject(planted), (0, 1_000), true)];
    let of = |parts| {
        let report = compare(&incidents, &[alert(subject(parts), (0, 901))]);
        report.scores[&Detector::StuckPlayers].correct
    };
    assert_eq!(of(planted), 1);
    for index in 0..planted.len() {
        let mut other = planted;
        other[index] = "other";
        assert_eq!(of(other), 0, "{other:?}");
    }
}

#[test]
fn quantiles_are_nearest_ranks() {
    let of = |count: i64, percent| {
        let delays_ms = (1..=count).map(|second| second * 1_000).collect();
        let score = Score {
            delays_ms,
            ..Score::default()
        };
        score.delay_s(percent)
    };
    assert_eq!(
        (of(0, 50), of(1, 50), of(1, 95)),
        (None, Some(1.0), Some(1.0))
    );
    assert_eq!(
        (of(2, 50), of(3, 50), of(4, 50)),
        (Some(1.0), Some(2.0), Some(2.0))
    );
    assert_eq!(
        (of(20, 95), of(21, 95), of(100, 95)),
        (Some(19.0), Some(20.0), Some(95.0))
    );
}

fn row(start: i64, end: i64, revision: u32) -> Value {
    json!({
        "window_start": time(start), "window_end": time(end), "server_id": "s", "condition": "cpu", "region": "r",
        "server_type": "t", "opened_at": time(start), "closed_at": null, "value": 90.0, "threshold": 80.0,
        "reason": "", "revision": revision,
    })
}

#[test]
fn the_last_state_of_an_alert_counts() {
    let mut alerts = Alerts::default();
    let mut add = |key: &str, row: &Value| {
        let value = if row.is_null() {
            Vec::new()
        } else {
            row.to_string().into_bytes()
        };
        alerts
            .add(AlertTopic::Servers, key.as_bytes(), &value)
            .expect("a row");
    };
    add("s|cpu", &row(1_000, 1_001, 0));
    add("s|cpu", &row(1_000, 5_000, 1));
    add("s|cpu", &row(9_000, 9_001, 0));
    add("withdrawn", &row(1_000, 1_001, 0));
    let mut withdrawn = row(1_000, 1_001, 1);
    withdrawn["withdrawn"] = true.into();
    add("withdrawn", &withdrawn);
    add("removed", &row(1_000, 1_001, 0));
    add("removed", &Value::Null);
    let alerts = alerts.into_vec();
    let spans: Vec<_> = alerts
        .iter()
        .map(|alert| (alert.start, alert.end, alert.raised))
        .collect();
    let first = (time(1_000), time(5_000), time(1_000));
    assert_eq!(spans, [first, (time(9_000), time(9_001), time(9_000))]);
}

#[test]
fn missed_floors_are_named() {
    let incidents = [incident(fraud("a", &["1"]), (0, 1_000), true)];
    let alerts = [
        alert(fraud("a", &["1"]), (0, 901)),
        alert(fraud("b", &["2"]), (0, 901)),
    ];
    let report = compare(&incidents, &alerts);
    let missed = |yaml| {
        let floors = Floors::parse(yaml).expect("floors");
        let missed = floors.check(&report);
        missed.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(missed("velocity: {precision: 0.5, recall: 1, p95_delay_s: 0}").is_empty());
    assert_eq!(
        missed("velocity: {precision: 0.6, p95_delay_s: -0.1}\nserver-cpu: {recall: 0.9}"),
        [
            "velocity: precision is 0.500, but the floor is 0.6",
            "velocity: p95 delay in seconds is 0.000, but the floor is -0.1",
            "server-cpu: recall was not measured, but the floor is 0.9",
        ]
    );
}

#[test]
fn invalid_floors_name_the_line_and_what_is_allowed() {
    for (line, parts) in [
        ("velocty: {recall: 1}", ["line 2", "`velocity`"]),
        ("velocity: {recal: 1}", ["line 2", "`p95_delay_s`"]),
        ("velocity: {recall: 1.5}", ["line 2", "from 0 to 1"]),
        (
            "velocity: {p95_delay_s: .nan}",
            ["line 2", "a number of seconds"],
        ),
    ] {
        let error = Floors::parse(&format!("server-cpu: {{recall: 1}}\n{line}\n"));
        let error = error.expect_err(line).to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn names_of_detectors_are_those_of_floors() {
    for detector in Detector::ALL {
        let floors = Floors::parse(&format!("{detector}: {{}}"));
        assert!(floors.is_ok(), "{detector}");
    }
}
