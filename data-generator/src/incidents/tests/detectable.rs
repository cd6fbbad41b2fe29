//! Recomputes from the events when the evidence of each incident is complete.

use super::*;

/// Returns the time at which the evidence of an incident is complete, which every complete incident must have.
fn detectable_ms(incident: &Incident) -> i64 {
    incident.detectable.unwrap().as_millis()
}

fn of_kind(truth: &[Incident], kind: fn(&Subject) -> bool) -> Vec<&Incident> {
    let of_kind = truth.iter().filter(|incident| kind(&incident.subject));
    of_kind.collect()
}

#[test]
fn evidence_of_fraud_is_complete_when_its_events_first_break_the_rule() {
    for (seed, rate, per_hour, seconds) in [(7, 25.0, 240.0, 4_500), (9, 150.0, 1_200.0, 800)] {
        let (events, ended, _) = run(world(seed, rate, per_hour), seconds);
        let is_planted = |event: &&Event| event.incident.is_some();
        let planted: Vec<Event> = events.iter().filter(is_planted).cloned().collect();
        let (alone, together) = (oracle::fraud(&planted), oracle::fraud(&events));
        let frauds = of_kind(&ended, |subject| matches!(subject, Subject::Fraud { .. }));
        assert!(frauds.len() > 100, "{}", frauds.len());
        for incident in frauds {
            let (found, _) = expected(std::slice::from_ref(incident));
            let found = found.first().unwrap();
            assert_eq!(alone[found], detectable_ms(incident), "{incident:?}");
            // Purchases of the account's owner can add to those of the fraud only for this rule.
            let is_earlier = together[found] < alone[found];
            assert!(!is_earlier || found.0 == "velocity", "{incident:?}");
        }
    }
}

#[test]
fn evidence_of_a_stuck_player_is_complete_after_two_minutes_and_thirty_events() {
    let (events, ended, _) = run(world(7, 25.0, 240.0), 4_500);
    let found = oracle::stuck(&events);
    let stuck = of_kind(&ended, |subject| {
        matches!(subject, Subject::StuckPlayer { .. })
    });
    assert!(stuck.len() > 15, "{}", stuck.len());
    for incident in stuck {
        let (_, one) = expected(std::slice::from_ref(incident));
        let ms = found[one.first().unwrap()];
        assert_eq!(ms, detectable_ms(incident), "{incident:?}");
    }
}

#[test]
fn evidence_of_a_failing_server_is_complete_when_its_alert_is_due() {
    for (seed, rate, seconds) in [(7, 40.0, 2_000), (10, 200.0, 1_200)] {
        let (events, ended, _) = run(world(seed, rate, 600.0), seconds);
        let found = oracle::fault(&events);
        let servers = of_kind(&ended, |subject| matches!(subject, Subject::Server { .. }));
        assert!(servers.len() > 15, "{}", servers.len());
        for incident in servers {
            let Subject::Server { rule, server_id } = &incident.subject else {
                continue;
            };
            let start_ms = incident.start.as_millis();
            let first = found
                .range((rule.name(), server_id.clone(), start_ms)..)
                .next();
            let (condition, server, ms) = first.unwrap();
            assert_eq!((*condition, server), (rule.name(), server_id));
            assert_eq!(*ms, detectable_ms(incident), "{incident:?}");
        }
    }
}

#[test]
fn servers_that_report_rarely_are_evident_too() {
    let (_, ended, unfinished) = run(world(8, 2.0, 240.0), 9_000);
    let servers = of_kind(&ended, |subject| matches!(subject, Subject::Server { .. }));
    assert!(servers.len() > 20, "{}", servers.len());
    for incident in servers {
        let ms = detectable_ms(incident);
        assert!(ms > incident.start.as_millis() && ms <= incident.end.as_millis() + 10_000);
    }
    assert!(unfinished.iter().all(|incident| !incident.complete));
}
