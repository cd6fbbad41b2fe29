//! The compact live status: one line that renews itself on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dataflow::{DataflowMap, DerivationStatus, StatusBoard};
use tokio::task::JoinHandle;
use tokio::time::interval;

/// A person at a terminal sees each second; a log file need not grow that fast.
const ON_TERMINAL: Duration = Duration::from_secs(1);
const IN_LOG: Duration = Duration::from_secs(10);

/// Prints the status until stopped.
pub(crate) struct LiveStatus(JoinHandle<()>);

impl LiveStatus {
    pub(crate) fn start(board: StatusBoard, map: &DataflowMap) -> Self {
        let sources = map
            .derivations
            .iter()
            .map(|(name, spec)| (name.clone(), spec.from.clone()))
            .collect();
        Self(tokio::spawn(print(board, sources)))
    }

    pub(crate) fn stop(self) {
        self.0.abort();
        if io::stdout().is_terminal() {
            println!();
        }
    }
}

async fn print(board: StatusBoard, sources: BTreeMap<String, String>) {
    let terminal = io::stdout().is_terminal();
    let every = if terminal { ON_TERMINAL } else { IN_LOG };
    let mut ticks = interval(every);
    ticks.tick().await;
    let mut before = 0;
    loop {
        ticks.tick().await;
        let status = board.snapshot();
        let events = events_in(&status, &sources);
        let rate = (events - before) as f64 / every.as_secs_f64();
        before = events;
        let line = line(&status, events, rate);
        if terminal {
            print!("\r\x1b[2K{line}");
        } else {
            println!("{line}");
        }
        // A status that nobody can read is no reason to stop.
        let _unread = io::stdout().flush();
    }
}

fn line(status: &BTreeMap<String, DerivationStatus>, events: u64, rate: f64) -> String {
    let windows: u64 = status.values().map(|derivation| derivation.written).sum();
    let rejected: u64 = status
        .values()
        .map(|derivation| derivation.counts().rejected_total())
        .sum();
    let late: u64 = status
        .values()
        .map(|derivation| derivation.counts().late)
        .sum();
    let delay = match delay_ms(status) {
        Some(ms) => format!("{:.1} s", ms as f64 / 1_000.0),
        None => "none yet".to_owned(),
    };
    format!(
        "events in {events} ({rate:.0}/s) | windows out {windows} | watermark delay {delay} | rejected {rejected} | late {late}"
    )
}

/// Records read from all source topics; several derivations of one source read the same records.
fn events_in(
    status: &BTreeMap<String, DerivationStatus>,
    sources: &BTreeMap<String, String>,
) -> u64 {
    let mut by_source = BTreeMap::new();
    for (name, derivation) in status {
        let read: &mut u64 = by_source.entry(sources.get(name)).or_default();
        *read = derivation.counts().read.max(*read);
    }
    by_source.values().sum()
}

/// How far the slowest watermark is behind the wall clock.
fn delay_ms(status: &BTreeMap<String, DerivationStatus>) -> Option<i64> {
    let now_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as i64;
    let watermark = status
        .values()
        .filter_map(|derivation| derivation.watermark)
        .min()?;
    Some(now_ms - watermark.as_millis())
}
