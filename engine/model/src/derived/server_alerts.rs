//! The record of `server-alerts`: servers that are overloaded, slow or silent, with the start and end of each
//! alert.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One alert of one server: revision 0 when it opens, revision 1 when it closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerAlerts {
    /// The server.
    pub server_id: String,
    /// The condition that raised the alert.
    pub condition: ServerCondition,
    /// The server's region according to its latest report.
    pub region: String,
    /// The server's type according to its latest report.
    pub server_type: String,
    /// When the alert opened: the end of the window that opened it or, for `silent`, the time at which the
    /// silence became too long.
    pub opened_at: Timestamp,
    /// When the alert closed: the end of the window that closed it; for `silent`, the time of the next
    /// report; if `forgotten`, the time at which the server was forgotten. `None` while the alert is open.
    pub closed_at: Option<Timestamp>,
    /// The value when the alert opened or closed, to three decimals: percent, milliseconds, or seconds for
    /// `silent`.
    pub value: f64,
    /// The threshold above which the alert opens, in the unit of `value`.
    pub threshold: f64,
    /// Why the alert opened or closed, as a sentence.
    pub reason: String,
    /// Whether the alert closed because the server was forgotten, not because the condition had ended. A server is
    /// forgotten when it has sent no report for longer than the parameter `forget_s`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
}

/// The condition that an alert reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerCondition {
    /// The mean CPU usage is high.
    Cpu,
    /// The mean memory usage is high.
    Memory,
    /// The p95 of the latency is high.
    Latency,
    /// The server no longer reports.
    Silent,
}

impl ServerCondition {
    /// Returns the condition's name in records and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Latency => "latency",
            Self::Silent => "silent",
        }
    }
}
