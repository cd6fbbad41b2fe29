//! Tests of which versions are valid, and which of them applies to each record.

mod every;
mod following;
mod listing;

use model::Params;

use crate::spec::rule_set::{AdoptedRules, Refusal, RuleHistory, RuleSet};
use every::Every;

use super::*;
use crate::spec::registration::{Registration, Registry};
use crate::spec::{DataflowSpec, RULE_VERSION, SpecError};

const MAP: &str = "
sources:
  ticks: { key: key }
derivations:
  every-nth:
    from: ticks
    rules: every-rules
    parameters: { every: 3 }
";

fn registration() -> Registration {
    Registration::keyed::<Every<true>>()
}

fn map() -> DataflowSpec {
    DataflowSpec::parse(MAP, &Registry::new([registration()], [])).expect("a good dataflow file")
}

fn rules(version: u32, parameters: &[(&str, &str)]) -> RuleSet {
    let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    RuleSet {
        version,
        parameters: parameters.iter().map(text).collect(),
        comment: None,
    }
}

fn check(rules: &RuleSet, newest: u32) -> Result<Params, Refusal> {
    rules.check(newest, &map().derivations["every-nth"], &registration())
}

#[test]
fn a_version_counts_if_it_is_newer_and_the_derivation_takes_its_parameters() {
    let expected: Params = [
        ("every", "2"),
        ("rule_version", "7"),
        ("max_skew_ms", "300000"),
    ]
    .into_iter()
    .collect();
    let params = check(&rules(7, &[("every", "2")]), 6).expect("a good version");
    assert_eq!(params, expected);
    check(&rules(2, &[]), 1).expect("the dataflow file's parameters under a new number");
    for (rules, newest, message) in [
        (
            rules(6, &[]),
            6,
            "version 6 is not higher than the previous version 6",
        ),
        (
            rules(1, &[]),
            1,
            "version 1 is not higher than the previous version 1",
        ),
        (
            rules(7, &[("every", "two")]),
            6,
            "parameter `every` is `two`: a whole number above 0 is expected",
        ),
        (
            rules(7, &[("evry", "2")]),
            6,
            "unknown parameter `evry`; known parameters: every",
        ),
        (
            rules(7, &[("rule_version", "9")]),
            6,
            "unknown parameter `rule_version`; known parameters: every",
        ),
        (
            rules(7, &[("max_skew_ms", "1")]),
            6,
            "unknown parameter `max_skew_ms`; known parameters: every",
        ),
    ] {
        let refusal = check(&rules, newest).expect_err(message);
        assert_eq!(refusal.to_string(), message);
    }
}

#[test]
fn only_derivations_that_write_down_their_version_have_rules() {
    let registry = Registry::new([Registration::keyed::<Every<false>>()], []);
    let error = DataflowSpec::parse(MAP, &registry).expect_err("no `rule_version`");
    assert!(
        matches!(&error, SpecError::At { cause, .. }
            if matches!(&**cause, SpecError::Invalid { place, .. } if place == "derivations.every-nth.rules")),
        "{error}"
    );
}

#[test]
fn parameters_are_yaml_or_json() {
    let expected = rules(1, &[("every", "2"), ("share", "0.5"), ("on", "true")]).parameters;
    for text in [
        "every: 2 # of them\nshare: 0.5\non: true\n",
        r#"{"every": "2", "share": 0.5, "on": true}"#,
    ] {
        assert_eq!(read_parameters(text).expect(text), expected, "{text}");
    }
    assert!(read_parameters("{}").expect("nothing changes").is_empty());
    for text in ["", "every", "[every, 2]", "every: [2]", "{every: 2"] {
        let error = read_parameters(text).expect_err(text).to_string();
        assert!(error.starts_with("these are not parameters"), "{error}");
    }
}
