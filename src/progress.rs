//! Reports the progress of long operations on standard error: on a terminal as a bar with rate and remaining
//! time, elsewhere as periodic lines. Standard output contains only results.

use std::fmt;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use crate::terminal::note;

/// The interval between two updates on a terminal, short enough for a person who watches.
const ON_TERMINAL: Duration = Duration::from_millis(200);
/// The interval between two lines elsewhere, long enough to keep a log file small.
const IN_LOG: Duration = Duration::from_secs(10);

const TEMPLATE: &str = "{prefix} {bar:30} {human_pos}/{human_len} {msg} ({rate}, {eta} left)";

/// The number of completed units and their total number. Both are 0 while the total is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// Shows progress until it is dropped.
pub(crate) struct Progress(JoinHandle<()>);

impl Progress {
    /// Shows the progress that `poll` returns, in units named `unit`, for the operation `name`.
    pub(crate) fn start(
        name: &'static str,
        unit: &'static str,
        poll: impl Fn() -> Done + Send + 'static,
    ) -> Self {
        Self(if io::stderr().is_terminal() {
            tokio::spawn(draw(name, unit, poll))
        } else {
            tokio::spawn(write(name, unit, poll))
        })
    }
}

impl Progress {
    /// Shows the progress that an operation of the `dataflow` crate reports.
    pub(crate) fn of(name: &'static str, unit: &'static str, progress: dataflow::Progress) -> Self {
        Self::start(name, unit, move || Done {
            done: progress.done(),
            total: progress.total(),
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn draw(name: &'static str, unit: &'static str, poll: impl Fn() -> Done) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.with_key("rate", rate));
    }
    bar.set_prefix(name);
    bar.set_message(unit);
    // Dropping `Progress` aborts this task, which drops the bar. A dropped bar disappears from the terminal.
    let mut ticks = interval(ON_TERMINAL);
    loop {
        ticks.tick().await;
        let Done { done, total } = poll();
        if total > 0 {
            if bar.is_hidden() {
                bar.reset_elapsed();
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

/// Formats the rate, for example `20000/s`.
fn rate(state: &ProgressState, text: &mut dyn fmt::Write) {
    // Writing to a string cannot fail.
    let _written = write!(text, "{:.0}/s", state.per_sec());
}

async fn write(name: &'static str, unit: &'static str, poll: impl Fn() -> Done) {
    let started = Instant::now();
    let mut ticks = interval(IN_LOG);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        note(&line(name, unit, poll(), started.elapsed()));
    }
}

/// Formats a line, for example `generate: 20000 of 100000 events, 2000/s, 40s left`.
fn line(name: &str, unit: &str, Done { done, total }: Done, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = total.saturating_sub(done) as f64 / rate;
    let left = match Duration::try_from_secs_f64(left) {
        Ok(left) => humantime::format_duration(Duration::from_secs(left.as_secs())).to_string(),
        Err(_) => "an unknown time".to_owned(),
    };
    format!("{name}: {done} of {total} {unit}, {rate:.0}/s, {left} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_time_left() {
        let ten = Duration::from_secs(10);
        let done = |done, total| Done { done, total };
        assert_eq!(
            line("generate", "events", done(20_000, 100_000), ten),
            "generate: 20000 of 100000 events, 2000/s, 40s left"
        );
        assert_eq!(
            line("replay", "records", done(0, 5), ten),
            "replay: 0 of 5 records, 0/s, an unknown time left"
        );
        assert_eq!(
            line("replay", "records", done(0, 0), Duration::ZERO),
            "replay: 0 of 0 records, 0/s, an unknown time left"
        );
    }
}
