//! The metrics of the web API for Prometheus.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::topics::SourceTopic;
use crate::validate::Checked;

const PREFIX: &str = "game_analytics_web_api";

/// The bounds of the duration histogram in seconds, from the duration on an idle machine to `ANSWER_TIMEOUT`.
const DURATION_BOUNDS_S: [f64; 11] = [
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 1.0, 5.0, 15.0,
];

/// All counters, gauges and histograms, with their registry.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    accepted: Family<Topic, Counter>,
    rejected: Family<Reason, Counter>,
    repeated: Counter,
    durations: Histogram,
    gauges: Gauges,
}

#[derive(Debug, Default)]
struct Gauges {
    buffered: Gauge<u64, AtomicU64>,
    keys: Gauge<u64, AtomicU64>,
    cluster_up: Gauge,
    queued: Family<Topic, Gauge<u64, AtomicU64>>,
}

/// The values of gauges, measured at each scrape.
pub(crate) struct Measured {
    pub(crate) buffered_bytes: usize,
    pub(crate) keys_remembered: usize,
    pub(crate) cluster_is_up: bool,
    /// The number of requests in the queue of each topic.
    pub(crate) queued: Vec<(String, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    path: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Topic {
    topic: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            requests: Family::default(),
            accepted: Family::default(),
            rejected: Family::default(),
            repeated: Counter::default(),
            durations: Histogram::new(DURATION_BOUNDS_S),
            gauges: Gauges::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        let help = "Events that the cluster has acknowledged";
        registry.register("events_accepted", help, self.accepted.clone());
        let help = "Records that are not events and are kept in rejected-events";
        registry.register("records_rejected", help, self.rejected.clone());
        let help = "Repeated requests that got the response of the first request with their Idempotency-Key";
        registry.register("answers_repeated", help, self.repeated.clone());
        let help = "Time from the head of a request to its response";
        let durations = self.durations.clone();
        registry.register_with_unit("request_duration", help, Unit::Seconds, durations);
        let gauges = &self.gauges;
        let help = "Memory used by request bodies";
        registry.register_with_unit("buffered", help, Unit::Bytes, gauges.buffered.clone());
        let help = "Idempotency keys in memory";
        registry.register("idempotency_keys", help, gauges.keys.clone());
        let help = "1 if the cluster answers and every topic can be written to, else 0";
        registry.register("cluster_up", help, gauges.cluster_up.clone());
        let help = "Requests waiting for the writer of a topic";
        registry.register("queued_requests", help, gauges.queued.clone());
    }

    pub(crate) fn answered(&self, path: &str, status: u16, took: Duration) {
        let path = path.to_owned();
        self.requests.get_or_create(&Request { path, status }).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// Returns the amounts to add to the counters once the request is written.
    pub(crate) fn counts(checked: &Checked) -> Counts {
        let mut counts = Counts::default();
        for event in &checked.accepted {
            *counts.accepted.entry(event.source.clone()).or_default() += 1;
        }
        for rejected in &checked.rejected {
            let reason = rejected.rejection.reason.name();
            match counts.rejected.iter_mut().find(|(name, _)| *name == reason) {
                Some((_, count)) => *count += 1,
                None => counts.rejected.push((reason, 1)),
            }
        }
        counts
    }

    pub(crate) fn written(&self, counts: &Counts) {
        for (source, count) in &counts.accepted {
            let topic = source.topic().to_owned();
            self.accepted.get_or_create(&Topic { topic }).inc_by(*count);
        }
        for (reason, count) in &counts.rejected {
            self.rejected
                .get_or_create(&Reason { reason })
                .inc_by(*count);
        }
    }

    pub(crate) fn repeated(&self) {
        self.repeated.inc();
    }

    /// Encodes all metrics as OpenMetrics text.
    pub(crate) fn render(&self, measured: Measured) -> Result<String, fmt::Error> {
        self.gauges.buffered.set(measured.buffered_bytes as u64);
        self.gauges.keys.set(measured.keys_remembered as u64);
        self.gauges.cluster_up.set(measured.cluster_is_up.into());
        for (topic, queued) in measured.queued {
            let gauge = self.gauges.queued.get_or_create(&Topic { topic });
            gauge.set(queued as u64);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// How many records of a request were accepted, by topic, and how many were rejected, by reason.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    accepted: BTreeMap<SourceTopic, u64>,
    rejected: Vec<(&'static str, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;
    use crate::validate::{Route, check, tests::PLAYER};
    use bytes::Bytes;

    #[test]
    fn metrics_are_encoded_with_their_values() {
        let metrics = Metrics::new();
        let records = [PLAYER, PLAYER, "{}"].map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let checked = check(
            records.to_vec(),
            &Route::ByName,
            &Sources::built_in(),
            None,
            0,
        )
        .unwrap();
        metrics.written(&Metrics::counts(&checked));
        metrics.answered("/v1/events", 200, Duration::from_millis(15));
        let measured = Measured {
            buffered_bytes: 2_048,
            keys_remembered: 3,
            cluster_is_up: true,
            queued: vec![("player-events".to_owned(), 4)],
        };
        let text = metrics.render(measured).unwrap();
        for line in [
            "requests_total{path=\"/v1/events\",status=\"200\"} 1",
            "events_accepted_total{topic=\"player-events\"} 2",
            "records_rejected_total{reason=\"missing_field\"} 1",
            "request_duration_seconds_bucket{le=\"0.02\"} 1",
            "buffered_bytes 2048",
            "idempotency_keys 3",
            "cluster_up 1",
            "queued_requests{topic=\"player-events\"} 4",
        ] {
            assert!(
                text.contains(&format!("{PREFIX}_{line}\n")),
                "{line} in\n{text}"
            );
        }
    }
}
