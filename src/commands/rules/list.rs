//! `rules list`: every version, and what became of it.

use ::dataflow::{ListedRules, RuleBook, RuleState};

use super::{changes, offsets, open};
use crate::cli::RulesOf;

pub(super) async fn list(args: &RulesOf) -> anyhow::Result<()> {
    let book = open(args).await?;
    let listed = book.list().await?;
    let last = listed
        .iter()
        .rposition(|listed| matches!(listed.state, RuleState::Holds(_)));
    println!(
        "version 1: the map's parameters\n  {}",
        match last {
            None => "in force",
            Some(_) => "held from the first record on",
        }
    );
    for (index, listed) in listed.iter().enumerate() {
        println!("{}", head(listed));
        for change in changes_of(&book, listed) {
            println!("  {change}");
        }
        println!("  {}", state(&book, listed, last == Some(index)));
    }
    Ok(())
}

/// `version 2, 2026-01-31T12:00:00.000Z: COMMENT`.
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

/// What differs from the map.
fn changes_of(book: &RuleBook, listed: &ListedRules) -> Vec<String> {
    let nothing = Default::default();
    let rules = listed.rules.as_ref();
    let parameters = rules.map_or(&nothing, |rules| &rules.parameters);
    changes::between(&book.spec().parameters, &nothing, parameters)
}

fn state(book: &RuleBook, listed: &ListedRules, is_last: bool) -> String {
    let source = &book.spec().from;
    match &listed.state {
        RuleState::Holds(from) if is_last => {
            format!("in force from {source} offsets {}", offsets(from))
        }
        RuleState::Holds(from) => format!("held from {source} offsets {}", offsets(from)),
        RuleState::Waits => "not taken up by a runner yet".to_owned(),
        RuleState::PassedOver(refusal) => format!("passed over: {refusal}"),
    }
}
