//! `server-alerts`: what is wrong with a server, from when to when.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One alert of one server: revision 0 says that it opened, revision 1 that it closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerAlert {
    /// The server.
    pub server_id: String,
    /// What is wrong.
    pub condition: ServerCondition,
    /// The region of the server, as its latest report names it.
    pub region: String,
    /// Its type, likewise.
    pub server_type: String,
    /// The end of the window that opened it; of `silent`, when the silence had become too long.
    pub opened_at: Timestamp,
    /// The end of the window that closed it; of `silent`, the time of the next report; of a server
    /// that is forgotten, when it was. `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// What was measured when it opened or closed: percent, milliseconds, of `silent` seconds; to
    /// three decimals.
    pub value: f64,
    /// What must be exceeded for it to open, in the same unit.
    pub threshold: f64,
    /// Why it opened or closed, for a person.
    pub reason: String,
    /// Whether it was closed because nothing is known of the server any more, not because it is well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
}

/// What can be wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerCondition {
    /// The mean CPU usage is high.
    Cpu,
    /// The mean memory usage is high.
    Memory,
    /// The p95 of the latency is high.
    Latency,
    /// It reports no more.
    Silent,
}

impl ServerCondition {
    /// The name as it stands in records and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Latency => "latency",
            Self::Silent => "silent",
        }
    }
}
