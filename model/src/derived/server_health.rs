//! `server-health`: the load of each server, and what to make of it.

use serde::{Deserialize, Serialize};

/// How one server fared in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerHealth {
    /// The server.
    pub server_id: String,
    /// Its region, as its latest report names it.
    pub region: String,
    /// Its type, likewise.
    pub server_type: String,
    /// Reports.
    pub samples: u64,
    /// CPU usage in percent.
    pub cpu_load: Load,
    /// Memory usage in percent.
    pub memory_usage: Load,
    /// Network latency in milliseconds.
    pub latency_ms: LatencyMs,
    /// The verdict.
    pub status: ServerStatus,
}

/// A usage in percent, to three decimals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The mean of the reports.
    pub mean: f64,
    /// The greatest of them.
    pub max: f64,
}

/// A latency in milliseconds, to three decimals. A quantile pQ is the report at the position
/// ⌊Q / 100 · (samples − 1)⌋ in ascending order, counted from 0; it is within 1 % of the true value
/// and never outside of the reports' range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyMs {
    /// The mean of the reports.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// What 95 of 100 reports do not exceed.
    pub p95: f64,
    /// What 99 of 100 reports do not exceed.
    pub p99: f64,
    /// The greatest of them.
    pub max: f64,
}

/// The verdict on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerStatus {
    /// Below every threshold.
    Healthy,
    /// Mean CPU or memory above 80 %, or the p95 of the latency above 100 ms.
    Degraded,
    /// Mean CPU or memory above 90 %, or the p95 of the latency above 250 ms.
    Critical,
}
