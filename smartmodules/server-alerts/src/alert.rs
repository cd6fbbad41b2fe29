//! Builds the detection for each opening or closing of an alert, with its reason.

use model::derived::{ServerAlerts, ServerCondition};
use model::event::READING_UNIT;
use model::keyed_process::Detection;
use model::{RecordKey, Window};

use crate::hysteresis::Turn;
use crate::rules::{Limit, Rules};

/// The server that an alert is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'s> {
    pub(crate) server_id: &'s str,
    pub(crate) region: &'s str,
    pub(crate) server_type: &'s str,
}

/// Why an alert opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server's readings, its silence, or its first report after a silence.
    Measured,
    /// The server was forgotten, which closes all its alerts.
    Forgotten,
}

impl Subject<'_> {
    /// Returns the detection that opens or closes an alert.
    pub(crate) fn detection(
        &self,
        rules: &Rules,
        condition: ServerCondition,
        turn: Turn,
        value: f64,
        cause: Cause,
    ) -> Detection<ServerAlerts> {
        let (opened_at, closed_at) = (turn.opened_at, turn.closed_at);
        let (start, end) = (opened_at, closed_at.unwrap_or(opened_at.plus_ms(1)));
        let measure = Measure::of(condition, rules);
        let closes = closed_at.is_some();
        let reason = match (cause, &measure) {
            (Cause::Forgotten, _) => forgotten(rules),
            (Cause::Measured, Some(measure)) => measure.reason(rules, closes, value),
            (Cause::Measured, None) => silence(closes, value),
        };
        Detection {
            key: RecordKey::new(&[self.server_id, condition.name()]),
            span: Window { start, end },
            revision: u32::from(closes),
            output: ServerAlerts {
                server_id: self.server_id.to_owned(),
                condition,
                region: self.region.to_owned(),
                server_type: self.server_type.to_owned(),
                opened_at,
                closed_at,
                value,
                threshold: measure.map_or(seconds(rules.silent_ms), |measure| {
                    whole(measure.limit.opens_above)
                }),
                reason,
                forgotten: cause == Cause::Forgotten,
            },
        }
    }
}

/// A condition that is measured in each window.
struct Measure {
    words: &'static str,
    unit: &'static str,
    limit: Limit,
}

impl Measure {
    /// Returns the measure of a condition; `None` for `silent`.
    fn of(condition: ServerCondition, rules: &Rules) -> Option<Self> {
        let (words, unit, limit) = match condition {
            ServerCondition::Cpu => ("mean CPU load", "%", rules.cpu),
            ServerCondition::Memory => ("mean memory usage", "%", rules.memory),
            ServerCondition::Latency => ("p95 of the latency", "ms", rules.latency),
            ServerCondition::Silent => return None,
        };
        Some(Self { words, unit, limit })
    }

    fn reason(&self, rules: &Rules, closes: bool, value: f64) -> String {
        let (side, limit) = if closes {
            ("below", whole(self.limit.closes_below))
        } else {
            ("above", whole(self.limit.opens_above))
        };
        let Self { words, unit, .. } = self;
        let (windows, length) = (rules.consecutive, seconds(rules.window_ms));
        format!(
            "{words} {side} {limit} {unit} in {windows} windows of {length} s in a row, last {value} {unit}"
        )
    }
}

fn silence(closes: bool, value: f64) -> String {
    if closes {
        format!("reports again after {value} s of silence")
    } else {
        format!("no report for {value} s")
    }
}

fn forgotten(rules: &Rules) -> String {
    let silence = seconds(rules.forget_ms);
    format!("no report for {silence} s: nothing is known of the server any more")
}

fn whole(millionths: i64) -> f64 {
    (millionths / READING_UNIT) as f64
}

/// Converts milliseconds into seconds. The result has at most three decimals, like all values in records.
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
