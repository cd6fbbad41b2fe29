//! Alerts of each server: from its reports, window by window, and from their absence.

use model::derived::{ServerAlert, ServerCondition};
use model::event::ServerMetric;
use model::follow::{Collect, Finding, Moment};
use model::{Follow, ParamError, Params, RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::{Cause, Subject, seconds};
use crate::hysteresis::{Turn, Watch};
use crate::readings::Readings;
use crate::rules::{PARAMETERS, Rules};

/// The state machine of `server-alerts`, one for each server.
#[derive(Clone, Copy, Debug)]
pub struct ServerAlertsRule(Rules);

/// What matters of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    cpu_load: i64,
    memory_usage: i64,
    latency_ms: i64,
    region: String,
    server_type: String,
}

/// What is remembered of a server: a handful of numbers and the sketch of one window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Server {
    /// Its last report; none where nothing is known of it.
    reported: Option<Timestamp>,
    region: String,
    server_type: String,
    /// The window that is being filled.
    readings: Option<Readings>,
    /// In the order of [`MEASURES`].
    watches: [Watch; 3],
    /// When `silent` opened, if it is open.
    silent_from: Option<Timestamp>,
}

/// The conditions that are measured, in the order of [`Readings::figures`].
const MEASURES: [ServerCondition; 3] = [
    ServerCondition::Cpu,
    ServerCondition::Memory,
    ServerCondition::Latency,
];

impl Follow for ServerAlertsRule {
    const NAME: &'static str = "server-alerts";
    const PARAMETERS: &'static [&'static str] = PARAMETERS;
    type Event<'e> = ServerMetric<'e>;
    type Fact = Report;
    type State = Server;
    type Output = ServerAlert;

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

    fn follow(
        &self,
        key: &RecordKey,
        server: &mut Server,
        event: Moment<Report>,
        findings: &mut Vec<Finding<ServerAlert>>,
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
            self.find(key, server, findings, |subject, rules| {
                subject.finding(
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

    fn deadline(&self, server: &Server) -> Option<Timestamp> {
        let window = server.readings.as_ref().map(Readings::end);
        let silence = self.silence_is_due(server);
        [window, silence, self.forgetting_is_due(server)]
            .into_iter()
            .flatten()
            .min()
    }

    fn reach(
        &self,
        key: &RecordKey,
        server: &mut Server,
        deadline: Timestamp,
        findings: &mut Vec<Finding<ServerAlert>>,
    ) {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= deadline);
        if is_due(server.readings.as_ref().map(Readings::end)) {
            self.judge_window(key, server, findings);
        }
        if is_due(self.silence_is_due(server)) {
            self.open_silent(key, server, findings);
        }
        if is_due(self.forgetting_is_due(server)) {
            self.forget(key, server, findings);
        }
    }

    fn is_spent(&self, server: &Server) -> bool {
        server.reported.is_none()
    }
}

impl ServerAlertsRule {
    /// A report that comes exactly at the end of the time allowed is still in time.
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
        findings: &mut Vec<Finding<ServerAlert>>,
    ) {
        let Some(readings) = server.readings.take() else {
            return;
        };
        let limits = [self.0.cpu, self.0.memory, self.0.latency];
        let figures = readings.figures().into_iter().zip(limits);
        for (index, (figure, limit)) in figures.enumerate() {
            let watch = &mut server.watches[index];
            let level = figure.level(limit);
            let turn = watch.judge(figure, level, readings.end(), self.0.consecutive);
            let Some(turn) = turn else { continue };
            self.find(key, server, findings, |subject, rules| {
                subject.finding(
                    rules,
                    MEASURES[index],
                    turn,
                    figure.value(),
                    Cause::Measured,
                )
            });
        }
    }

    fn open_silent(
        &self,
        key: &RecordKey,
        server: &mut Server,
        findings: &mut Vec<Finding<ServerAlert>>,
    ) {
        let Some(reported) = server.reported else {
            return;
        };
        let opened_at = reported.plus_ms(self.0.silent_ms);
        server.silent_from = Some(opened_at);
        // Windows on both sides of a silence are not in a row.
        server.watches.iter_mut().for_each(Watch::start_over);
        let turn = Turn {
            opened_at,
            closed_at: None,
        };
        self.find(key, server, findings, |subject, rules| {
            let silence = seconds(rules.silent_ms);
            subject.finding(
                rules,
                ServerCondition::Silent,
                turn,
                silence,
                Cause::Measured,
            )
        });
    }

    /// What is open would stay open for ever: it is closed, and says that nobody knows.
    fn forget(
        &self,
        key: &RecordKey,
        server: &mut Server,
        findings: &mut Vec<Finding<ServerAlert>>,
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
            self.find(key, &server, findings, |subject, rules| {
                subject.finding(rules, condition, turn, value, Cause::Forgotten)
            });
        }
    }

    fn find(
        &self,
        key: &RecordKey,
        server: &Server,
        findings: &mut Vec<Finding<ServerAlert>>,
        say: impl FnOnce(Subject<'_>, &Rules) -> Finding<ServerAlert>,
    ) {
        // Facts are collected under one field.
        let Some([server_id]) = key.fields() else {
            return;
        };
        let subject = Subject {
            server_id: &server_id,
            region: &server.region,
            server_type: &server.server_type,
        };
        findings.push(say(subject, &self.0));
    }
}

#[cfg(test)]
mod tests;
