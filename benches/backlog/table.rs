//! Prints the measurements as a Markdown table.

use benches::Spread;

use crate::round::{Measured, Round, Usage};

const COLUMNS: [&str; 13] = [
    "derivations",
    "events",
    "rows",
    "first read, s",
    "all accounted, s",
    "thousand events/s",
    "further, thousand/s",
    "cluster, s",
    "runner, s",
    "cluster, µs per further event",
    "runner, µs per further event",
    "cluster, MB",
    "runner, MB",
];

/// Prints a row for each set of derivations.
pub(crate) fn print<'a>(measured: impl Iterator<Item = (&'a str, &'a [Round])>) {
    println!("| {} |", COLUMNS.join(" | "));
    println!("|{}", "---|".repeat(COLUMNS.len()));
    for (name, rounds) in measured {
        println!("| {name} | {} |", cells(rounds).join(" | "));
    }
}

fn cells(rounds: &[Round]) -> [String; 12] {
    let of_full = |value: &dyn Fn(&Measured) -> f64, decimals| {
        show(
            rounds.iter().map(|round| Some(value(&round.full))),
            decimals,
        )
    };
    let of_each =
        |value: &dyn Fn(&Round) -> Option<f64>, decimals| show(rounds.iter().map(value), decimals);
    let of_cluster = |value: fn(Usage) -> f64, decimals| {
        of_each(&|round| round.full.cluster.map(value), decimals)
    };
    let further_us = |used: fn(&Measured) -> Option<Usage>| {
        of_each(
            &|round| Some(round.further_us(used(&round.small)?, used(&round.full)?)),
            2,
        )
    };
    [
        of_full(&|full| full.events as f64, 0),
        of_full(&|full| full.rows as f64, 0),
        of_full(&|full| full.first_read_s, 2),
        of_full(&|full| full.accounted_s, 1),
        of_full(&|full| full.events as f64 / full.accounted_s / 1e3, 0),
        of_each(&|round| Some(round.further_per_s() / 1e3), 0),
        of_cluster(|used| used.processor_s, 1),
        of_full(&|full| full.runner.processor_s, 1),
        further_us(|measured| measured.cluster),
        further_us(|measured| Some(measured.runner)),
        of_cluster(|used| used.peak_mb, 0),
        of_full(&|full| full.runner.peak_mb, 0),
    ]
}

impl Round {
    /// Returns how many more events the full backlog has than the small one.
    fn further(&self) -> f64 {
        (self.full.events - self.small.events) as f64
    }

    fn further_per_s(&self) -> f64 {
        self.further() / (self.full.accounted_s - self.small.accounted_s)
    }

    /// Returns the processor time per additional event, in microseconds.
    fn further_us(&self, small: Usage, full: Usage) -> f64 {
        (full.processor_s - small.processor_s) / self.further() * 1e6
    }
}

/// Formats the spread of a value over all rounds, or the value alone if it is the same in each.
fn show(values: impl Iterator<Item = Option<f64>>, decimals: usize) -> String {
    let values: Option<Vec<f64>> = values.collect();
    let Some(values) = values else {
        return "not known".to_owned();
    };
    let spread = Spread::of(values);
    if spread.min == spread.max {
        return format!("{:.decimals$}", spread.median);
    }
    format!("{spread:.decimals$}")
}
