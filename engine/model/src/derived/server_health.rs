//! The record of `server-health`: the load of each server, and whether the server is healthy.

use serde::{Deserialize, Serialize};

/// The load of one server in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerHealth {
    /// The server.
    pub server_id: String,
    /// The server's region according to its latest report.
    pub region: String,
    /// The server's type according to its latest report.
    pub server_type: String,
    /// The number of reports.
    pub samples: u64,
    /// CPU usage in percent.
    pub cpu_load: Load,
    /// Memory usage in percent.
    pub memory_usage: Load,
    /// Network latency in milliseconds.
    pub latency_ms: LatencyMs,
    /// Whether the server is healthy, degraded or critical.
    pub status: ServerStatus,
}

/// CPU or memory usage in percent, to three decimals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The mean of the reports.
    pub mean: f64,
    /// The largest of the reports.
    pub max: f64,
}

/// Network latency in milliseconds, to three decimals. The quantile pQ estimates, to within 1 %, the latency at index
/// ⌊Q / 100 · (samples − 1)⌋ in ascending order. It is never outside the range of the reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyMs {
    /// The mean of the reports.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 95th percentile, as defined above.
    pub p95: f64,
    /// The 99th percentile, as defined above.
    pub p99: f64,
    /// The largest of the reports.
    pub max: f64,
}

/// Whether a server is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerStatus {
    /// No value exceeds a threshold.
    Healthy,
    /// Mean CPU or memory above 80 %, or the p95 of the latency above 100 ms.
    Degraded,
    /// Mean CPU or memory above 90 %, or the p95 of the latency above 250 ms.
    Critical,
}
