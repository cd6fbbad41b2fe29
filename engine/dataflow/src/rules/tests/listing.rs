//! Tests of the state that is listed for each record of a rules topic.

use client::{Offset, Record};

use super::*;
use crate::rules::listing::judge;

fn record(offset: i64, value: impl Into<Vec<u8>>) -> Record {
    Record {
        offset: Offset(offset),
        timestamp_ms: Some(offset * 1_000),
        key: None,
        value: value.into().into(),
    }
}

fn topic(versions: &[RuleSet]) -> Vec<Record> {
    let value = |rules| serde_json::to_vec(rules).expect("JSON");
    (0..)
        .zip(versions)
        .map(|(offset, rules)| record(offset, value(rules)))
        .collect()
}

fn history(next_offset: i64, adopted: &[(&RuleSet, &[i64])]) -> RuleHistory {
    let entry = |(rules, from): &(&RuleSet, &[i64])| AdoptedRules {
        rules: (*rules).clone(),
        from: from.iter().copied().map(Offset).collect(),
    };
    RuleHistory {
        next_offset: Offset(next_offset),
        adopted: adopted.iter().map(entry).collect(),
    }
}

/// The state of each record, as `VERSION STATE`.
fn states(records: &[Record], history: &RuleHistory) -> Vec<String> {
    let text = |listed: &ListedRules| {
        let version = listed.rules.as_ref().map_or(0, |rules| rules.version);
        match &listed.state {
            RuleState::Holds(from) => {
                let from: Vec<_> = from.iter().map(|from| from.0).collect();
                format!("{version} holds from {from:?}")
            }
            RuleState::Waits => format!("{version} waits"),
            RuleState::PassedOver(Refusal::Old { newest, .. }) => format!("{version} <= {newest}"),
            RuleState::PassedOver(Refusal::Malformed(_)) => "malformed".to_owned(),
            RuleState::PassedOver(Refusal::Parameter(_)) => format!("{version} wrong"),
            RuleState::PassedOver(Refusal::ByRunner) => format!("{version} by the runner"),
        }
    };
    judge(records, history, check).iter().map(text).collect()
}

#[test]
fn of_two_records_with_one_version_the_first_counts() {
    let (first, second) = (rules(2, &[("every", "2")]), rules(2, &[("every", "4")]));
    let records = topic(&[first.clone(), second]);
    assert_eq!(
        states(&records, &RuleHistory::default()),
        ["2 waits", "2 <= 2"]
    );
    let taken_up = history(1, &[(&first, &[7, 9])]);
    assert_eq!(
        states(&records, &taken_up),
        ["2 holds from [7, 9]", "2 <= 2"]
    );
}

#[test]
fn what_cannot_be_used_leaves_its_number_to_others() {
    let (wrong, right) = (rules(2, &[("every", "0")]), rules(2, &[("every", "4")]));
    let mut records = topic(&[wrong, right.clone()]);
    records.push(record(2, r#"{"version":3,"params":{}}"#));
    let expected = ["2 wrong", "2 waits", "malformed"];
    assert_eq!(states(&records, &RuleHistory::default()), expected);
    let expected = ["2 wrong", "2 holds from [5]", "malformed"];
    assert_eq!(states(&records, &history(3, &[(&right, &[5])])), expected);
}

#[test]
fn what_the_runner_has_looked_at_is_decided() {
    let (two, three) = (rules(2, &[("every", "2")]), rules(3, &[]));
    let records = topic(&[two, three.clone()]);
    // The runner has read both records but has adopted only version 3, for example because its dataflow file is
    // different.
    assert_eq!(
        states(&records, &history(2, &[(&three, &[8])])),
        ["2 by the runner", "3 holds from [8]"]
    );
}

#[test]
fn a_version_whose_record_is_gone_still_precedes_the_next() {
    let old = rules(5, &[]);
    let records = [record(9, r#"{"version":4,"parameters":{}}"#)];
    assert_eq!(states(&records, &history(9, &[(&old, &[1])])), ["4 <= 5"]);
}
