//! `rules test`: what parameters would have said of the last hour, beside those in force.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::dataflow::{RuleBook, RuleSet, TrialRead};
use model::Timestamp;

use super::score::{Alert, Figures, Score};
use super::truth::{self, Entry};
use super::{changes, open, read_file};
use crate::cli::TestRules;

/// The columns of one version.
const COLUMNS: [&str; 2] = ["current", "candidate"];

pub(super) async fn test(args: TestRules) -> anyhow::Result<()> {
    let parameters = read_file(&args.file)?;
    let truth = args.truth.as_deref().map(truth::read).transpose()?;
    let book = open(&args.of).await?;
    let current = book.current().await?;
    let candidate = book.candidate(parameters, current.as_ref())?;
    print_versions(&book, current.as_ref(), &candidate);
    let entries = truth.as_deref().unwrap_or_default();
    let mut scores = [Score::new(entries), Score::new(entries)];
    let read = book
        .try_out(
            &[current.as_ref(), Some(&candidate)],
            since(args.last),
            |version, (_, row)| {
                scores[version].add(&serde_json::from_slice::<Alert>(&row)?);
                Ok(())
            },
        )
        .await?;
    print_read(&book, &read, args.last);
    let counts = |entry: &Entry| happened_within(&read, entry);
    let outside = entries.iter().filter(|entry| !counts(entry)).count();
    if outside > 0 {
        println!(
            "{outside} entries of the truth began outside of what was read, or did not end: they do not count"
        );
    }
    let figures = scores.map(|score| score.finish(counts));
    print!("{}", table(&figures, truth.is_some()));
    Ok(())
}

/// Nothing can be said of what began before the first record or after the last, or did not come to
/// its end.
fn happened_within(read: &TrialRead, entry: &Entry) -> bool {
    let (first, last) = (read.first_time, read.last_time);
    entry.complete
        && first.is_some_and(|first| first <= entry.start)
        && last.is_some_and(|last| entry.start <= last)
}

fn since(last: Duration) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = now.unwrap_or_default().saturating_sub(last);
    Timestamp::from_millis(since.as_millis() as i64)
}

fn print_versions(book: &RuleBook, current: Option<&RuleSet>, candidate: &RuleSet) {
    let nothing = BTreeMap::new();
    let version = current.map_or(1, |current| current.version);
    let before = current.map_or(&nothing, |current| &current.parameters);
    println!("current: version {version}");
    let changes = changes::between(&book.spec().parameters, before, &candidate.parameters);
    match changes.as_slice() {
        [] => println!("candidate: the same"),
        changes => println!("candidate: {}", changes.join(", ")),
    }
}

fn print_read(book: &RuleBook, read: &TrialRead, last: Duration) {
    let source = &book.spec().from;
    let records = read.records;
    print!("read: {records} records of {source}, ");
    print!("ingested in the last {}", humantime::format_duration(last));
    if let (Some(first), Some(last)) = (read.first_time, read.last_time) {
        print!(", of event time {first} to {last}");
    }
    let late = read.late.iter().copied().max().unwrap_or(0);
    println!("; rejected {}, late {late}", read.rejected);
}

/// A line for each rule, the versions side by side.
fn table(figures: &[BTreeMap<String, Figures>; 2], with_truth: bool) -> String {
    let mut rules: Vec<_> = figures.iter().flat_map(BTreeMap::keys).collect();
    rules.sort();
    rules.dedup();
    let width = rules
        .iter()
        .map(|rule| rule.len())
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
        text += &format!("{rule:width$}");
        for figures in figures {
            let figures = figures.get(rule).copied().unwrap_or_default();
            text += &format!("  {:>9}", figures.alerts);
            if with_truth {
                let (precision, recall) = (share(figures.precision()), share(figures.recall()));
                text += &format!("  {precision:>9}  {recall:>6}");
            }
        }
        text.push('\n');
    }
    text
}

/// To three decimals; `-` where there is nothing to share.
fn share(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{share:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_side_by_side() {
        let figures = |alerts, right, entries, found| Figures {
            alerts,
            right,
            entries,
            found,
        };
        let current = BTreeMap::from([("velocity".to_owned(), figures(4, 3, 3, 1))]);
        let candidate = BTreeMap::from([
            ("spike".to_owned(), figures(1, 0, 0, 0)),
            ("velocity".to_owned(), figures(0, 0, 3, 0)),
        ]);
        let figures = [current, candidate];
        assert_eq!(
            table(&figures, false),
            "rule        current  candidate\n\
             spike             0          1\n\
             velocity          4          0\n"
        );
        assert_eq!(
            table(&figures, true),
            "rule        current  precision  recall  candidate  precision  recall\n\
             spike             0          -       -          1      0.000       -\n\
             velocity          4      0.750   0.333          0          -   0.000\n"
        );
    }
}
