//! Encodes the status board as metrics for Prometheus. Every metric family has a name and a help text.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use client::Partition;
use dataflow::{Counts, DerivationStatus, LATENCY_BOUNDS_MS, Latency};
use model::{Reason, Timestamp};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::health;

const PREFIX: &str = "game_analytics";

/// The counters of records. Each has one sample per derivation and source partition.
const RECORD_COUNTERS: [(&str, &str, Count); 6] = [
    (
        "records_read",
        "Records read from the source since the derivation's first start; the count is part of checkpoints and \
         continues across restarts",
        |counts| counts.read,
    ),
    (
        "records_accepted",
        "Records whose event is part of a result; counted across restarts, like records_read",
        |counts| counts.accepted,
    ),
    (
        "records_late",
        "Records whose window could no longer be corrected; counted across restarts, like records_read",
        |counts| counts.late,
    ),
    (
        "records_duplicate",
        "Records that repeat another; counted across restarts, like records_read",
        |counts| counts.duplicate,
    ),
    (
        "records_evicted",
        "Records that retention removed before they could be read; not included in records_read",
        |counts| counts.evicted,
    ),
    (
        "records_ahead",
        "Accepted records whose event time is more than two seconds after their ingest time: the sender's clock \
         is fast",
        |counts| counts.ahead,
    ),
];

/// The counters of work done by this process. Each has one sample per derivation.
const WORK_COUNTERS: [(&str, &str, Work); 3] = [
    (
        "partials_merged",
        "Batch results merged since the process started",
        |status| status.partials,
    ),
    (
        "rows_written",
        "Rows acknowledged by the derived topic since the process started, including corrections",
        |status| status.written,
    ),
    (
        "restarts",
        "Starts of the derivation after an error, since the process started",
        |status| status.restarts,
    ),
];

type Count = fn(&Counts) -> u64;
type Work = fn(&DerivationStatus) -> u64;
type Labels = Vec<(&'static str, String)>;

/// Returns the metrics at the time `now` as OpenMetrics text.
pub(super) fn render(
    sources: &BTreeMap<String, String>,
    mut statuses: BTreeMap<String, DerivationStatus>,
    now: SystemTime,
) -> Result<String, fmt::Error> {
    for name in sources.keys() {
        statuses.entry(name.clone()).or_default(); // a derivation that has not started yet has metrics, too
    }
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Snapshot {
        sources: sources.clone(),
        statuses,
        now,
    }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Snapshot {
    sources: BTreeMap<String, String>,
    statuses: BTreeMap<String, DerivationStatus>,
    now: SystemTime,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for (name, help, count) in RECORD_COUNTERS {
            let samples = self
                .partitions()
                .map(|(labels, counts)| (labels, ConstCounter::new(count(counts))));
            family(&mut encoder, name, help, None, MetricType::Counter, samples)?;
        }
        self.rejected(&mut encoder)?;
        self.lag(&mut encoder)?;
        for (name, help, work) in WORK_COUNTERS {
            let samples = self.each(|status| Some(ConstCounter::new(work(status))));
            family(&mut encoder, name, help, None, MetricType::Counter, samples)?;
        }
        self.gauges(&mut encoder)?;
        let samples = self.each(|status| Some(LatencyHistogram(&status.latency)));
        family(
            &mut encoder,
            "end_to_end_latency",
            "Wall-clock time from a window's end to the acknowledgement of its first row, for each window and key",
            Some(&Unit::Seconds),
            MetricType::Histogram,
            samples,
        )
    }
}

impl Snapshot {
    fn rejected(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let samples = self.partitions().flat_map(|(labels, counts)| {
            Reason::ALL.map(|reason| {
                let mut labels = labels.clone();
                labels.push(("reason", reason.name().to_owned()));
                let count = counts.rejected.get(&reason).copied().unwrap_or_default();
                (labels, ConstCounter::new(count))
            })
        });
        family(
            encoder,
            "records_rejected",
            "Records that are not valid events, by reason; counted across restarts, like records_read",
            None,
            MetricType::Counter,
            samples,
        )
    }

    fn lag(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let samples = self.statuses.iter().flat_map(|(name, status)| {
            let lag = |(partition, lag): (Partition, &u64)| {
                (self.labels(name, partition), ConstGauge::new(*lag))
            };
            Partition::all().zip(&status.lag).map(lag)
        });
        family(
            encoder,
            "source_lag",
            "Unread records of the source partition when it was last checked, every 5 s",
            None,
            MetricType::Gauge,
            samples,
        )
    }

    fn labels(&self, derivation: &str, partition: Partition) -> Labels {
        let topic = self.sources.get(derivation).map_or("", String::as_str);
        vec![
            ("derivation", derivation.to_owned()),
            ("topic", topic.to_owned()),
            ("partition", partition.to_string()),
        ]
    }

    fn gauges(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let mut gauge = |name, help, unit, value: &dyn Fn(&DerivationStatus) -> Option<f64>| {
            let samples = self.each(|status| value(status).map(ConstGauge::new));
            family(encoder, name, help, unit, MetricType::Gauge, samples)
        };
        gauge(
            "windows_open",
            "(window, key) pairs in memory, or sessions, or keys and waiting events; including those that may still be \
             corrected",
            None,
            &|status| Some(status.open as f64),
        )?;
        gauge(
            "reads_one_partition",
            "1 while memory is short, so that only the partition that is furthest behind is read; otherwise 0",
            None,
            &|status| Some(f64::from(u8::from(status.only.is_some()))),
        )?;
        gauge(
            "at_work",
            "1 while this process works on the derivation; 0 while it starts, or while another runner works on it",
            None,
            &|status| Some(f64::from(u8::from(status.at_work))),
        )?;
        gauge(
            "healthy",
            "1 if /health has no reason for the derivation, otherwise 0",
            None,
            &|status| {
                Some(f64::from(u8::from(
                    health::reasons(status, self.now).is_empty(),
                )))
            },
        )?;
        gauge(
            "watermark_delay",
            "Wall clock minus watermark; absent without a watermark",
            Some(&Unit::Seconds),
            &|status| status.watermark.map(|watermark| self.delay_s(watermark)),
        )?;
        gauge(
            "checkpoint_age",
            "Time since this process's last checkpoint; absent before the first; grows while no records arrive",
            Some(&Unit::Seconds),
            &|status| status.saved_at.map(|saved| self.age_s(saved)),
        )
    }

    /// Returns a sample, with its labels, for each derivation for which `sample` returns one.
    fn each<'a, T>(
        &'a self,
        sample: impl Fn(&'a DerivationStatus) -> Option<T>,
    ) -> impl Iterator<Item = (Labels, T)> {
        self.statuses.iter().filter_map(move |(name, status)| {
            sample(status).map(|sample| (vec![("derivation", name.clone())], sample))
        })
    }

    /// Returns the counts of each derivation and source partition, with their labels.
    fn partitions(&self) -> impl Iterator<Item = (Labels, &Counts)> {
        self.statuses.iter().flat_map(|(name, status)| {
            let counts = |(partition, counts)| (self.labels(name, partition), counts);
            Partition::all().zip(&status.partitions).map(counts)
        })
    }

    /// Returns the wall-clock time minus the watermark. It is negative if event times are ahead of the wall
    /// clock.
    fn delay_s(&self, watermark: Timestamp) -> f64 {
        self.age_s(UNIX_EPOCH) - watermark.as_millis() as f64 / 1_000.0
    }

    fn age_s(&self, since: SystemTime) -> f64 {
        self.now
            .duration_since(since)
            .unwrap_or_default()
            .as_secs_f64()
    }
}

fn family<T: EncodeMetric>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    kind: MetricType,
    samples: impl Iterator<Item = (Labels, T)>,
) -> fmt::Result {
    let mut encoder = encoder.encode_descriptor(name, help, unit, kind)?;
    for (labels, sample) in samples {
        sample.encode(encoder.encode_family(&labels)?)?;
    }
    Ok(())
}

struct LatencyHistogram<'a>(&'a Latency);

impl EncodeMetric for LatencyHistogram<'_> {
    fn encode(&self, mut encoder: prometheus_client::encoding::MetricEncoder) -> fmt::Result {
        let bounds = LATENCY_BOUNDS_MS
            .iter()
            .map(|ms| *ms as f64 / 1_000.0)
            .chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(self.0.buckets).collect();
        let sum_s = self.0.sum_ms as f64 / 1_000.0;
        let none: Option<&HashMap<usize, Exemplar<NoLabelSet, f64>>> = None;
        encoder.encode_histogram(sum_s, self.0.count(), &buckets, none)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests;
