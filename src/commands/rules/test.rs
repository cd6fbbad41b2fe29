//! `rules test`: backtest new parameters on recent history, and compare their alerts with those of the parameters in
//! force.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::dataflow::{BacktestRead, RuleSet, RuleStore};
use model::Timestamp;

use super::score::{Alert, RuleScore, Scorer};
use super::truth::{self, Entry};
use super::{changes, open, read_file};
use crate::ago::ago;
use crate::cli::TestRulesCommand;
use crate::progress::Progress;
use crate::terminal::{measured, print_lines, say, visible};

/// The column headings of the two versions: the parameters in force and the new ones.
const COLUMNS: [&str; 2] = ["current", "candidate"];

pub(super) async fn test(args: TestRulesCommand) -> anyhow::Result<()> {
    let parameters = read_file(&args.file)?;
    let truth = args.truth.as_deref().map(truth::read).transpose()?;
    let store = open(&args.of).await?;
    let current = store.current().await?;
    let candidate = store.candidate(parameters, current.as_ref())?;
    print_versions(&store, current.as_ref(), &candidate);
    let entries = truth.as_deref().unwrap_or_default();
    let mut scores = [Scorer::new(entries), Scorer::new(entries)];
    let progress = ::dataflow::Progress::default();
    let progress_bar = Progress::of("rules test", "records", progress.clone());
    let read = store
        .backtest(
            &[current.as_ref(), Some(&candidate)],
            since(args.last),
            &progress,
            |version, (_, row)| {
                scores[version].add(&serde_json::from_slice::<Alert>(&row)?);
                Ok(())
            },
        )
        .await?;
    drop(progress_bar);
    print_read(&store, &read, args.last);
    let counts = |entry: &Entry| is_within(&read, entry);
    let outside = entries.iter().filter(|entry| !counts(entry)).count();
    if outside > 0 {
        say!(
            "{outside} entries of the ground truth began outside the history that was read, or did not end: not counted"
        );
    }
    let scores = scores.map(|scorer| scorer.finish(counts));
    print_lines(table(&scores, truth.is_some()));
    Ok(())
}

/// Whether an entry of the ground truth is scored. Its incident must be complete and begin in the history that was
/// read, because otherwise its alert may be missing from that history.
fn is_within(read: &BacktestRead, entry: &Entry) -> bool {
    let (first, last) = (read.first_time, read.last_time);
    entry.complete
        && first.is_some_and(|first| first <= entry.start)
        && last.is_some_and(|last| entry.start <= last)
}

fn since(last: Duration) -> Timestamp {
    ago(last).max(Timestamp::from_millis(0))
}

fn print_versions(store: &RuleStore, current: Option<&RuleSet>, candidate: &RuleSet) {
    let nothing = BTreeMap::new();
    let version = current.map_or(1, |current| current.version);
    let before = current.map_or(&nothing, |current| &current.parameters);
    say!("current: version {version}");
    let changes = changes::between(&store.spec().parameters, before, &candidate.parameters);
    match changes.as_slice() {
        [] => say!("candidate: the same"),
        changes => say!("candidate: {}", changes.join(", ")),
    }
}

fn print_read(store: &RuleStore, read: &BacktestRead, last: Duration) {
    let source = &store.spec().from;
    let records = read.records;
    let last = humantime::format_duration(last);
    let span = match (read.first_time, read.last_time) {
        (Some(first), Some(last)) => format!(", of event time {first} to {last}"),
        _ => String::new(),
    };
    let late = read.late.iter().copied().max().unwrap_or(0);
    say!(
        "read: {records} records of {source}, ingested in the last {last}{span}; rejected {}, late {late}",
        read.rejected
    );
}

/// Formats a table with one line per rule, and the scores of the current and the tested parameters side by side.
fn table(scores: &[BTreeMap<String, RuleScore>; 2], with_truth: bool) -> String {
    let rules: BTreeSet<_> = scores.iter().flat_map(BTreeMap::keys).collect();
    let width = rules
        .iter()
        .map(|rule| visible(rule).chars().count())
        .max()
        .unwrap_or(0)
        .max(4);
    let mut text = format!("{:width$}", "rule");
    for column in COLUMNS {
        text += &format!("  {column:>9}");
        if with_truth {
            text += "  precision  recall";
        }
    }
    text.push('\n');
    for rule in rules {
        // The name is escaped, so that a line break in it cannot forge a line.
        text += &format!("{:width$}", visible(rule));
        for score in scores {
            let score = score.get(rule).copied().unwrap_or_default();
            text += &format!("  {:>9}", score.alerts);
            if with_truth {
                let (precision, recall) = (measured(score.precision()), measured(score.recall()));
                text += &format!("  {precision:>9}  {recall:>6}");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_printed_side_by_side() {
        let score = |alerts, right, entries, found| RuleScore {
            alerts,
            right,
            entries,
            found,
        };
        let current = BTreeMap::from([("velocity".to_owned(), score(4, 3, 3, 1))]);
        let candidate = BTreeMap::from([
            ("spike".to_owned(), score(1, 0, 0, 0)),
            ("velocity".to_owned(), score(0, 0, 3, 0)),
        ]);
        let scores = [current, candidate];
        assert_eq!(
            table(&scores, false),
            "rule        current  candidate\n\
             spike             0          1\n\
             velocity          4          0\n"
        );
        assert_eq!(
            table(&scores, true),
            "rule        current  precision  recall  candidate  precision  recall\n\
             spike             0          -       -          1      0.000       -\n\
             velocity          4      0.750   0.333          0          -   0.000\n"
        );
    }
}
