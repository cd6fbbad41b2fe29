//! Recomputes the alerts about servers, from the measures of each window and from the silences between reports.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Rows;
use super::accept::{Event, record_key, server_metrics_one_by_one};
use super::compare::revision_key;
use super::measures::timestamp;
use super::players::sorted_by;

/// The parameters of `server-alerts` that tests change. The other parameters have their default values.
#[derive(Clone, Copy)]
pub(crate) struct ServerRules {
    pub(crate) window_s: i64,
    /// The threshold for both CPU load and memory usage, in percent.
    pub(crate) percent: f64,
    pub(crate) percent_margin: f64,
    pub(crate) latency_ms: f64,
    pub(crate) latency_margin_ms: f64,
    pub(crate) silent_s: i64,
    pub(crate) forget_s: i64,
}

impl Default for ServerRules {
    fn default() -> Self {
        Self {
            window_s: 10,
            percent: 80.0,
            percent_margin: 5.0,
            latency_ms: 250.0,
            latency_margin_ms: 25.0,
            silent_s: 30,
            forget_s: 600,
        }
    }
}

/// Returns the expected rows of `server-alerts`, with each revision as a row of its own.
pub(crate) fn server_alerts(records: &[client::Record], rules: &ServerRules) -> Rows {
    let mut rows = Rows::new();
    let key = |event: &Event| [event.text("parameters", "server_id")];
    for ([server_id], reports) in sorted_by(server_metrics_one_by_one(records), key) {
        let mut server = Server {
            rules,
            server_id,
            place: (String::new(), String::new()),
            streaks: [0; 3],
            open: BTreeMap::new(),
            rows: &mut rows,
        };
        let (silent_ms, forget_ms) = (rules.silent_s * 1000, rules.forget_s * 1000);
        // A silence ends a series of reports, and the next report begins another series.
        for stretch in reports.chunk_by(|a, b| b.time_ms - a.time_ms <= silent_ms) {
            server.report_again(Some(&stretch[0]), forget_ms);
            let window_of = |event: &Event| event.time_ms.div_euclid(rules.window_s * 1000);
            for window in stretch.chunk_by(|a, b| window_of(a) == window_of(b)) {
                server.judge(window, (window_of(&window[0]) + 1) * rules.window_s * 1000);
            }
            server.fall_silent(stretch[stretch.len() - 1].time_ms);
        }
        server.report_again(None, forget_ms);
    }
    rows
}

/// The conditions that are evaluated once per window, each with the name and the unit of its measure.
const MEASURED: [(&str, &str, &str); 3] = [
    ("cpu", "mean CPU load", "%"),
    ("memory", "mean memory usage", "%"),
    ("latency", "p95 of the latency", "ms"),
];

struct Alert {
    opened_ms: i64,
    /// The value of the last window.
    last: f64,
    /// For a silence, the time of the last report; otherwise not used.
    last_ms: i64,
}

/// The recomputation of the alerts about one server.
struct Server<'r> {
    rules: &'r ServerRules,
    server_id: String,
    /// The region and type in the latest report.
    place: (String, String),
    /// For each condition, the number of consecutive windows so far that count towards opening an alert, or towards
    /// closing it if it is open.
    streaks: [u32; 3],
    open: BTreeMap<&'static str, Alert>,
    rows: &'r mut Rows,
}

/// Returns the region and type that a server reports.
fn place(report: &Event) -> (String, String) {
    (
        report.text("server_data", "region"),
        report.text("server_data", "server_type"),
    )
}

impl Server<'_> {
    /// Closes the silence alert at the next report, `again`. If there is no report within `forget_ms`, closes every
    /// open alert of the server, because the runner forgets it.
    fn report_again(&mut self, again: Option<&Event>, forget_ms: i64) {
        let Some(silence) = self.open.get("silent") else {
            return;
        };
        let silent_since = silence.last_ms;
        let is_in_time = |again: &&Event| again.time_ms - silent_since <= forget_ms;
        if let Some(again) = again.filter(is_in_time) {
            let at_ms = again.time_ms;
            let seconds = (at_ms - silent_since) as f64 / 1e3;
            self.place = place(again);
            let reason = format!("reports again after {seconds} s of silence");
            self.close("silent", at_ms, seconds, Some(reason), false);
            return;
        }
        let seconds = forget_ms / 1000;
        let reason = format!("no report for {seconds} s: nothing is known of the server any more");
        for condition in ["cpu", "memory", "latency", "silent"] {
            if let Some(alert) = self.open.get(condition) {
                let value = match condition {
                    "silent" => seconds as f64,
                    _ => alert.last,
                };
                let at_ms = silent_since + forget_ms;
                self.close(condition, at_ms, value, Some(reason.clone()), true);
            }
        }
    }

    fn judge(&mut self, window: &[Event], end_ms: i64) {
        const CONSECUTIVE: u32 = 2;
        let latest = &window[window.len() - 1];
        self.place = place(latest);
        for (index, (condition, name, unit)) in MEASURED.into_iter().enumerate() {
            let value = measure(window, condition);
            let (limit, margin) = self.limits(condition);
            let (side, bound, is_beyond) = match self.open.get_mut(condition) {
                Some(alert) => {
                    alert.last = value;
                    let bound = limit - margin;
                    ("below", bound, value < bound)
                }
                None => ("above", limit, value > limit),
            };
            assert!(
                condition != "latency" || (value - bound).abs() > bound * 0.0101,
                "a p95 of {value} ms is too close to {bound} ms for a sketch: use other values"
            );
            self.streaks[index] = if is_beyond {
                self.streaks[index] + 1
            } else {
                0
            };
            if self.streaks[index] < CONSECUTIVE {
                continue;
            }
            self.streaks[index] = 0;
            let last = rounded(value).filter(|_| condition != "latency");
            let reason = last.map(|last| {
                let (windows, size) = (CONSECUTIVE, self.rules.window_s);
                format!(
                    "{name} {side} {bound} {unit} in {windows} windows of {size} s in a row, last {last} {unit}"
                )
            });
            match side {
                "below" => self.close(condition, end_ms, value, reason, false),
                _ => self.open(condition, end_ms, (value, end_ms), reason),
            }
        }
    }

    fn fall_silent(&mut self, last_ms: i64) {
        self.streaks = [0; 3];
        let seconds = self.rules.silent_s;
        let reason = Some(format!("no report for {seconds} s"));
        let opened_ms = last_ms + seconds * 1000;
        self.open("silent", opened_ms, (seconds as f64, last_ms), reason);
    }

    fn open(
        &mut self,
        condition: &'static str,
        opened_ms: i64,
        (value, last_ms): (f64, i64),
        reason: Option<String>,
    ) {
        let span = (opened_ms, opened_ms + 1);
        self.write(
            condition,
            0,
            span,
            value,
            reason,
            json!({"closed_at": null}),
        );
        let alert = Alert {
            opened_ms,
            last: value,
            last_ms,
        };
        self.open.insert(condition, alert);
    }

    fn close(
        &mut self,
        condition: &'static str,
        at_ms: i64,
        value: f64,
        reason: Option<String>,
        is_forgotten: bool,
    ) {
        let alert = self.open.remove(condition).expect("it is open");
        let mut more = json!({"closed_at": timestamp(at_ms)});
        if is_forgotten {
            more["forgotten"] = json!(true);
        }
        self.write(condition, 1, (alert.opened_ms, at_ms), value, reason, more);
    }

    fn write(
        &mut self,
        condition: &str,
        revision: u64,
        (opened_ms, end_ms): (i64, i64),
        value: f64,
        reason: Option<String>,
        more: Value,
    ) {
        let mut row = json!({
            "window_start": timestamp(opened_ms), "window_end": timestamp(end_ms),
            "server_id": self.server_id, "condition": condition,
            "region": self.place.0, "server_type": self.place.1,
            "opened_at": timestamp(opened_ms), "value": value,
            "threshold": self.limits(condition).0,
        });
        let row_fields = row.as_object_mut().expect("an object");
        row_fields.extend(more.as_object().expect("an object").clone());
        if let Some(reason) = reason {
            row_fields.insert("reason".to_owned(), json!(reason));
        }
        let key = record_key(&[&self.server_id, condition]);
        self.rows
            .insert((opened_ms, revision_key(&key, revision)), row);
    }

    /// Returns the threshold, and the margin below it at which an alert closes.
    fn limits(&self, condition: &str) -> (f64, f64) {
        let rules = self.rules;
        match condition {
            "latency" => (rules.latency_ms, rules.latency_margin_ms),
            "silent" => (rules.silent_s as f64, 0.0),
            _ => (rules.percent, rules.percent_margin),
        }
    }
}

fn measure(window: &[Event], condition: &str) -> f64 {
    let readings = |field| window.iter().map(move |event| event.number(field));
    let mean = |field| readings(field).sum::<f64>() / window.len() as f64;
    match condition {
        "cpu" => mean("cpu_load"),
        "memory" => mean("memory_usage"),
        _ => {
            let mut latency: Vec<f64> = readings("latency").collect();
            latency.sort_by(f64::total_cmp);
            latency[(0.95 * (latency.len() - 1) as f64) as usize]
        }
    }
}

/// Rounds to three decimals. Returns `None` if the value is too close to the middle between two results.
fn rounded(value: f64) -> Option<f64> {
    let thousandths = value * 1e3;
    let is_clear = (thousandths.fract() - 0.5).abs() > 1e-6;
    is_clear.then_some(thousandths.round() / 1e3)
}
