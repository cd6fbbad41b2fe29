//! Prints the live status: on a terminal, one line that is rewritten; elsewhere, a new line each time.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

use dataflow::{DataflowSpec, DerivationStatus, StatusBoard};
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::terminal::{self, say};

/// The intervals between two updates: short for a person at a terminal, and longer for a log file, which should grow
/// slowly.
const ON_TERMINAL: Duration = Duration::from_secs(1);
const IN_LOG: Duration = Duration::from_secs(10);

/// Prints the status until [`LiveStatus::stop`] is called.
pub(crate) struct LiveStatus(JoinHandle<()>);

impl LiveStatus {
    pub(crate) fn start(board: StatusBoard, dataflow: &DataflowSpec) -> Self {
        let sources = dataflow
            .derivations
            .iter()
            .map(|(name, spec)| (name.clone(), spec.from.clone()))
            .collect();
        Self(tokio::spawn(print(board, sources)))
    }

    pub(crate) fn stop(self) {
        self.0.abort();
        if io::stdout().is_terminal() {
            terminal::print("\n");
        }
    }
}

async fn print(board: StatusBoard, sources: BTreeMap<String, String>) {
    let is_terminal = io::stdout().is_terminal();
    let every = if is_terminal { ON_TERMINAL } else { IN_LOG };
    let mut ticks = interval(every);
    ticks.tick().await;
    let mut previous = 0;
    loop {
        ticks.tick().await;
        let status = board.snapshot();
        let events = by_source(&status, &sources, |of| of.counts().read);
        let rate = (events - previous) as f64 / every.as_secs_f64();
        previous = events;
        let rejected = by_source(&status, &sources, |of| of.counts().rejected_total());
        let line = line(&status, events, rate, rejected);
        if is_terminal {
            terminal::print(&format!("\r\x1b[2K{line}"));
        } else {
            say!("{line}");
        }
    }
}

fn line(
    status: &BTreeMap<String, DerivationStatus>,
    events: u64,
    rate: f64,
    rejected: u64,
) -> String {
    let windows: u64 = status.values().map(|derivation| derivation.written).sum();
    let late: u64 = status
        .values()
        .map(|derivation| derivation.counts().late)
        .sum();
    let delay = match delay_ms(status) {
        Some(ms) => format!("{:.1} s", ms as f64 / 1_000.0),
        None => "none yet".to_owned(),
    };
    format!(
        "events in {events} ({rate:.0}/s) | windows out {windows} | watermark delay {delay} | rejected {rejected} | \
         late {late}"
    )
}

/// Returns the number of records of all source topics that `count` returns. Derivations of the same source read the
/// same records, so each source counts once.
fn by_source(
    status: &BTreeMap<String, DerivationStatus>,
    sources: &BTreeMap<String, String>,
    count: impl Fn(&DerivationStatus) -> u64,
) -> u64 {
    let mut by_source = BTreeMap::new();
    for (name, derivation) in status {
        let read: &mut u64 = by_source.entry(sources.get(name)).or_default();
        *read = count(derivation).max(*read);
    }
    by_source.values().sum()
}

/// Returns the wall-clock time minus the lowest watermark. Returns `None` if no derivation has a watermark yet.
fn delay_ms(status: &BTreeMap<String, DerivationStatus>) -> Option<i64> {
    let watermark = status
        .values()
        .filter_map(|derivation| derivation.watermark)
        .min()?;
    Some(client::now_ms() - watermark.as_millis())
}
