//! Computes the load of each server, and whether the server is healthy.

use model::decimal;
use model::derived::{LatencyMs, Load, ServerHealth, ServerStatus};
use model::event::{READING_UNIT, ServerMetric};
use model::merge::{Latest, Quantiles, Spread};
use model::source::ServerMetrics;
use model::{AlignedWindows, Emit, Lift, Merge, ParamError, Params, RecordKey, Window, Windowed};
use serde::{Deserialize, Serialize};

/// The derivation of `server-health`. It has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerHealthDerivation;

/// What a set of reports contributes to the row of one server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measurements {
    region_and_type: Latest<(String, String)>,
    cpu_load: Spread,
    memory_usage: Spread,
    latency_ms: Spread,
    latency_quantiles: Quantiles,
}

impl Merge for Measurements {
    fn merge(&mut self, other: Self) {
        self.region_and_type.merge(other.region_and_type);
        self.cpu_load.merge(other.cpu_load);
        self.memory_usage.merge(other.memory_usage);
        self.latency_ms.merge(other.latency_ms);
        self.latency_quantiles.merge(other.latency_quantiles);
    }
}

impl Lift for ServerHealthDerivation {
    const NAME: &'static str = "server-health";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = ServerMetrics;
    type Partial = Measurements;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &ServerMetric<'_>, out: &mut impl Emit<Measurements>) {
        out.emit(&[&event.server_id], |health| {
            let region_and_type = || (event.region.to_string(), event.server_type.to_string());
            health.region_and_type.set(event.time, region_and_type);
            health.cpu_load.insert(event.cpu_load);
            health.memory_usage.insert(event.memory_usage);
            health.latency_ms.insert(event.latency_ms);
            health
                .latency_quantiles
                .insert(event.latency_ms as f64 / READING_UNIT as f64);
        });
    }
}

impl Windowed for ServerHealthDerivation {
    type Output = ServerHealth;

    fn finish(&self, _: Window, key: &RecordKey, health: &Measurements) -> Option<ServerHealth> {
        let [server_id] = key.fields()?;
        let (region, server_type) = health.region_and_type.get()?.clone();
        let latency_ms = latency(health)?;
        Some(ServerHealth {
            server_id,
            region,
            server_type,
            samples: health.cpu_load.count(),
            cpu_load: load(&health.cpu_load)?,
            memory_usage: load(&health.memory_usage)?,
            status: status(health, latency_ms.p95),
            latency_ms,
        })
    }
}

fn load(readings: &Spread) -> Option<Load> {
    Some(Load {
        mean: readings.mean(READING_UNIT)?,
        max: readings.max(READING_UNIT)?,
    })
}

fn latency(health: &Measurements) -> Option<LatencyMs> {
    let quantile = |q| health.latency_quantiles.quantile(q).map(to_three_decimals);
    Some(LatencyMs {
        mean: health.latency_ms.mean(READING_UNIT)?,
        p50: quantile(0.5)?,
        p95: quantile(0.95)?,
        p99: quantile(0.99)?,
        max: health.latency_ms.max(READING_UNIT)?,
    })
}

/// Rounds to three decimals in the same way as [`Spread`]: first to the millionths in which readings are stored,
/// then to thousandths. Otherwise a quantile could exceed the largest reading in the last digit.
fn to_three_decimals(value: f64) -> f64 {
    let reading = (value * READING_UNIT as f64).round() as i128;
    decimal::ratio(reading, READING_UNIT.into(), 3)
}

/// Returns the worst status that CPU, memory or latency gives.
fn status(health: &Measurements, p95_ms: f64) -> ServerStatus {
    let exceeds = |percent: i64, latency_ms: f64| {
        let limit = percent * READING_UNIT;
        health.cpu_load.mean_exceeds(limit)
            || health.memory_usage.mean_exceeds(limit)
            || p95_ms > latency_ms
    };
    if exceeds(90, 250.0) {
        ServerStatus::Critical
    } else if exceeds(80, 100.0) {
        ServerStatus::Degraded
    } else {
        ServerStatus::Healthy
    }
}
