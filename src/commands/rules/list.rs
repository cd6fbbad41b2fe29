//! `rules list`: print every version of a derivation's parameters, and the state of each version.

use ::dataflow::{ListedRules, RuleState, RuleStore};

use super::{changes, offsets, open};
use crate::cli::DerivationArg;
use crate::terminal::say;

pub(super) async fn list(args: &DerivationArg) -> anyhow::Result<()> {
    let store = open(args).await?;
    let listed = store.list().await?;
    let last = listed
        .iter()
        .rposition(|listed| matches!(listed.state, RuleState::Holds(_)));
    say!("version 1: the dataflow file's parameters");
    say!(
        "  {}",
        match last {
            None => "in force",
            Some(_) => "applied from the first record on",
        }
    );
    for (index, listed) in listed.iter().enumerate() {
        say!("{}", head(listed));
        for change in changes_of(&store, listed) {
            say!("  {change}");
        }
        say!("  {}", state(&store, listed, last == Some(index)));
    }
    Ok(())
}

/// Formats the first line of a version, for example `version 2, 2026-01-31T12:00:00.000Z: COMMENT`.
fn head(listed: &ListedRules) -> String {
    let mut head = match &listed.rules {
        Some(rules) => format!("version {}", rules.version),
        None => format!("offset {}", listed.offset),
    };
    if let Some(written) = listed.written {
        head += &format!(", {written}");
    }
    if let Some(comment) = listed
        .rules
        .as_ref()
        .and_then(|rules| rules.comment.as_ref())
    {
        head += &format!(": {comment}");
    }
    head
}

/// Returns the differences between the version and the dataflow file.
fn changes_of(store: &RuleStore, listed: &ListedRules) -> Vec<String> {
    let nothing = Default::default();
    let rules = listed.rules.as_ref();
    let parameters = rules.map_or(&nothing, |rules| &rules.parameters);
    changes::between(&store.spec().parameters, &nothing, parameters)
}

fn state(store: &RuleStore, listed: &ListedRules, is_last: bool) -> String {
    let source = &store.spec().from;
    match &listed.state {
        RuleState::Holds(from) if is_last => {
            format!("in force from {source} offsets {}", offsets(from))
        }
        RuleState::Holds(from) => format!("applied from {source} offsets {}", offsets(from)),
        RuleState::Waits => "not yet applied by a runner".to_owned(),
        RuleState::PassedOver(refusal) => format!("rejected: {refusal}"),
    }
}
