//! Raises the alerts of each server, from the reports in each window and from missing reports.

use model::derived::{ServerAlerts, ServerCondition};
use model::event::ServerMetric;
use model::keyed_process::{Collect, Detection, TimedEvent};
use model::source::ServerMetrics;
use model::{KeyedProcess, ParamError, Params, RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::{Cause, Subject, seconds};
use crate::hysteresis::{Turn, Watch};
use crate::readings::Readings;
use crate::rules::{PARAMETERS, Rules};

/// The derivation of `server-alerts`: a keyed process with one state for each server.
#[derive(Clone, Copy, Debug)]
pub struct ServerAlertsDerivation(Rules);

/// The data of a report that the rules need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    cpu_load: i64,
    memory_usage: i64,
    latency_ms: i64,
    region: String,
    server_type: String,
}

/// The state of a server: a few small values, and the latency sketch of the current window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Server {
    /// The time of the last report; `None` for an unknown server.
    reported: Option<Timestamp>,
    region: String,
    server_type: String,
    /// The readings of the current window.
    readings: Option<Readings>,
    /// The state of each measure, in the order of [`MEASURES`].
    watches: [Watch; 3],
    /// The time at which the alert `silent` opened; `None` if it is not open.
    silent_from: Option<Timestamp>,
}

/// The measured conditions, in the order of [`Readings::values`].
const MEASURES: [ServerCondition; 3] = [
    ServerCondition::Cpu,
    ServerCondition::Memory,
    ServerCondition::Latency,
];

impl KeyedProcess for ServerAlertsDerivation {
    const NAME: &'static str = "server-alerts";
    const PARAMETERS: &'static [&'static str] = PARAMETERS;
    type Source = ServerMetrics;
    type Fact = Report;
    type State = Server;
    type Output = ServerAlerts;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        Rules::from_params(params).map(Self)
    }

    fn fact(&self, event: &ServerMetric<'_>, out: &mut impl Collect<Report>) {
        let report = Report {
            cpu_load: event.cpu_load,
            memory_usage: event.memory_usage,
            latency_ms: event.latency_ms,
            region: event.region.to_string(),
            server_type: event.server_type.to_string(),
        };
        out.collect(&[&event.server_id], report);
    }

    fn on_event(
        &self,
        key: &RecordKey,
        server: &mut Server,
        event: TimedEvent<Report>,
        detections: &mut Vec<Detection<ServerAlerts>>,
    ) {
        let (time, report) = (event.time, event.fact);
        let reported = server.reported.replace(time);
        (server.region, server.server_type) = (report.region, report.server_type);
        if let Some(opened_at) = server.silent_from.take() {
            let turn = Turn {
                opened_at,
                closed_at: Some(time),
            };
            let silence = seconds(reported.map_or(0, |reported| time.ms_since(reported)));
            self.find(key, server, detections, |subject, rules| {
                subject.detection(
                    rules,
                    ServerCondition::Silent,
                    turn,
                    silence,
                    Cause::Measured,
                )
            });
        }
        server
            .readings
            .get_or_insert_with(|| Readings::around(time, self.0.window_ms))
            .insert(report.cpu_load, report.memory_usage, report.latency_ms);
    }

    fn timer(&self, server: &Server) -> Option<Timestamp> {
        let window = server.readings.as_ref().map(Readings::end);
        let silence = self.silence_is_due(server);
        [window, silence, self.forgetting_is_due(server)]
            .into_iter()
            .flatten()
            .min()
    }

    fn on_timer(
        &self,
        key: &RecordKey,
        server: &mut Server,
        deadline: Timestamp,
        detections: &mut Vec<Detection<ServerAlerts>>,
    ) {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= deadline);
        if is_due(server.readings.as_ref().map(Readings::end)) {
            self.judge_window(key, server, detections);
        }
        if is_due(self.silence_is_due(server)) {
            self.open_silent(key, server, detections);
        }
        if is_due(self.forgetting_is_due(server)) {
            self.forget(key, server, detections);
        }
    }

    fn is_empty(&self, server: &Server) -> bool {
        server.reported.is_none()
    }
}

impl ServerAlertsDerivation {
    /// Returns the time from which the server counts as silent; `None` if it already does. A report exactly `silent_ms`
    /// after the last one is in time.
    fn silence_is_due(&self, server: &Server) -> Option<Timestamp> {
        let reported = server.reported.filter(|_| server.silent_from.is_none())?;
        Some(reported.plus_ms(self.0.silent_ms + 1))
    }

    fn forgetting_is_due(&self, server: &Server) -> Option<Timestamp> {
        Some(server.reported?.plus_ms(self.0.forget_ms + 1))
    }

    fn judge_window(
        &self,
        key: &RecordKey,
        server: &mut Server,
        detections: &mut Vec<Detection<ServerAlerts>>,
    ) {
        let Some(readings) = server.readings.take() else {
            return;
        };
        let limits = [self.0.cpu, self.0.memory, self.0.latency];
        let values = readings.values().into_iter().zip(limits);
        for (index, (value, limit)) in values.enumerate() {
            let watch = &mut server.watches[index];
            let level = value.level(limit);
            let turn = watch.judge(value, level, readings.end(), self.0.consecutive);
            let Some(turn) = turn else { continue };
            self.find(key, server, detections, |subject, rules| {
                subject.detection(rules, MEASURES[index], turn, value.value(), Cause::Measured)
            });
        }
    }

    fn open_silent(
        &self,
        key: &RecordKey,
        server: &mut Server,
        detections: &mut Vec<Detection<ServerAlerts>>,
    ) {
        let Some(reported) = server.reported else {
            return;
        };
        let opened_at = reported.plus_ms(self.0.silent_ms);
        server.silent_from = Some(opened_at);
        // Windows before and after a silence are not consecutive.
        server.watches.iter_mut().for_each(Watch::start_over);
        let turn = Turn {
            opened_at,
            closed_at: None,
        };
        self.find(key, server, detections, |subject, rules| {
            let silence = seconds(rules.silent_ms);
            subject.detection(
                rules,
                ServerCondition::Silent,
                turn,
                silence,
                Cause::Measured,
            )
        });
    }

    /// Closes all open alerts of a forgotten server and marks them as forgotten. Otherwise they could stay open
    /// forever.
    fn forget(
        &self,
        key: &RecordKey,
        server: &mut Server,
        detections: &mut Vec<Detection<ServerAlerts>>,
    ) {
        let server = std::mem::take(server);
        let Some(reported) = server.reported else {
            return;
        };
        let closed_at = Some(reported.plus_ms(self.0.forget_ms));
        let measured = MEASURES.into_iter().zip(&server.watches);
        let measured =
            measured.map(|(condition, watch)| (condition, watch.opened_at, watch.last.value()));
        let silence = seconds(self.0.forget_ms);
        let silent = (ServerCondition::Silent, server.silent_from, silence);
        for (condition, opened_at, value) in measured.chain([silent]) {
            let Some(opened_at) = opened_at else { continue };
            let turn = Turn {
                opened_at,
                closed_at,
            };
            self.find(key, &server, detections, |subject, rules| {
                subject.detection(rules, condition, turn, value, Cause::Forgotten)
            });
        }
    }

    fn find(
        &self,
        key: &RecordKey,
        server: &Server,
        detections: &mut Vec<Detection<ServerAlerts>>,
        say: impl FnOnce(Subject<'_>, &Rules) -> Detection<ServerAlerts>,
    ) {
        // A key always has one field, because `fact` collects each report under the server's id.
        let Some([server_id]) = key.fields() else {
            return;
        };
        let subject = Subject {
            server_id: &server_id,
            region: &server.region,
            server_type: &server.server_type,
        };
        detections.push(say(subject, &self.0));
    }
}

#[cfg(test)]
mod tests;
