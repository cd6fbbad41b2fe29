//! `server-metrics`: how a game server fares.

use std::borrow::Cow;

use super::Event;
use super::field::Field;
use super::layout::Layouts;
use super::limits::LATENCY_MS_MAX;
use crate::reject::Rejection;
use crate::time::Timestamp;

/// Decimal digits kept of a reading: sums of integers are exact, sums of floats depend on order.
pub const READING_DIGITS: u32 = 6;
/// One unit (percent or millisecond) of a reading.
pub const READING_UNIT: i64 = 1_000_000;

/// One report of a server. Readings are integers in millionths of their unit.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerMetric<'e> {
    /// The server.
    pub server_id: Cow<'e, str>,
    /// CPU usage in millionths of a percent, 0 to 100 %.
    pub cpu_load: i64,
    /// Memory usage in millionths of a percent, 0 to 100 %.
    pub memory_usage: i64,
    /// Network latency in millionths of a millisecond.
    pub latency_ms: i64,
    /// Where the server stands.
    pub region: Cow<'e, str>,
    /// What it is: `dedicated`, `virtual`, …
    pub server_type: Cow<'e, str>,
    /// When the readings were taken.
    pub time: Timestamp,
}

const FIELDS: [&str; 8] = [
    "event_name",
    "event_timestamp",
    "parameters.server_id",
    "parameters.cpu_load",
    "parameters.memory_usage",
    "parameters.latency",
    "server_data.region",
    "server_data.server_type",
];

impl<'e> Event<'e> for ServerMetric<'e> {
    const TOPIC: &'static str = "server-metrics";

    #[inline]
    fn parse_alike(record: &'e [u8], layouts: &mut Layouts) -> Result<Self, Rejection> {
        let [
            name,
            time,
            server_id,
            cpu_load,
            memory_usage,
            latency,
            region,
            server_type,
        ] = Field::read(record, &FIELDS, layouts)?;
        name.id()?;
        let percent_max = 100 * READING_UNIT;
        Ok(Self {
            server_id: server_id.id()?,
            cpu_load: cpu_load.number(READING_DIGITS, percent_max)?,
            memory_usage: memory_usage.number(READING_DIGITS, percent_max)?,
            latency_ms: latency.number(READING_DIGITS, LATENCY_MS_MAX * READING_UNIT)?,
            region: region.id()?,
            server_type: server_type.id()?,
            time: time.timestamp()?,
        })
    }

    #[inline]
    fn time(&self) -> Timestamp {
        self.time
    }
}
