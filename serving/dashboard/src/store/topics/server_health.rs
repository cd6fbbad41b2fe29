//! `server-health`: load and latency of a server.

use model::derived::{Derived, ServerHealth, ServerStatus};

use crate::limits::ROWS_SERVERS;
use crate::store::Unshown;
use crate::store::shown::{Names, ShownRow, narrow};
use crate::symbols::Symbol;

/// Load and latency of a server in one window.
#[derive(Clone, Debug)]
pub(crate) struct HealthRow {
    pub(crate) region: Symbol,
    pub(crate) server_type: Symbol,
    pub(crate) status: ServerStatus,
    pub(crate) samples: u32,
    /// CPU load in percent: mean and maximum.
    pub(crate) cpu: [f32; 2],
    /// Memory usage in percent: mean and maximum.
    pub(crate) memory: [f32; 2],
    /// Latency in milliseconds: p50, p95 and p99.
    pub(crate) latency: [f32; 3],
}

impl ShownRow for HealthRow {
    type Measures = ServerHealth;
    /// The server.
    type Key = Symbol;

    const ROWS_MAX: usize = ROWS_SERVERS;

    fn key(row: &Derived<ServerHealth>, names: &mut Names<'_>) -> Result<Symbol, Unshown> {
        names.key(&row.measures.server_id)
    }

    fn value(measures: &ServerHealth, names: &mut Names<'_>) -> Self {
        let (cpu, memory) = (&measures.cpu_load, &measures.memory_usage);
        let latency = &measures.latency_ms;
        Self {
            region: names.intern(&measures.region),
            server_type: names.intern(&measures.server_type),
            status: measures.status,
            samples: narrow(measures.samples),
            cpu: [cpu.mean, cpu.max].map(|value| value as f32),
            memory: [memory.mean, memory.max].map(|value| value as f32),
            latency: [latency.p50, latency.p95, latency.p99].map(|value| value as f32),
        }
    }
}
