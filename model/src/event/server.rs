//! `server-metrics`: how a game server fares.

use std::borrow::Cow;

use super::Event;
use super::field::Field;
use super::limits::LATENCY_MS_MAX;
use super::scan::{Section, scan};
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

impl<'e> Event<'e> for ServerMetric<'e> {
    const TOPIC: &'static str = "server-metrics";

    #[inline]
    fn parse(record: &'e [u8]) -> Result<Self, Rejection> {
        let mut name = Field::absent("event_name");
        let mut time = Field::absent("event_timestamp");
        let mut server_id = Field::absent("parameters.server_id");
        let mut cpu_load = Field::absent("parameters.cpu_load");
        let mut memory_usage = Field::absent("parameters.memory_usage");
        let mut latency = Field::absent("parameters.latency");
        let mut region = Field::absent("server_data.region");
        let mut server_type = Field::absent("server_data.server_type");
        scan(record, |section, key, value| match section {
            Section::Root if key.is("event_name") => name.set(value),
            Section::Root if key.is("event_timestamp") => time.set(value),
            Section::Parameters if key.is("server_id") => server_id.set(value),
            Section::Parameters if key.is("cpu_load") => cpu_load.set(value),
            Section::Parameters if key.is("memory_usage") => memory_usage.set(value),
            Section::Parameters if key.is("latency") => latency.set(value),
            Section::ServerData if key.is("region") => region.set(value),
            Section::ServerData if key.is("server_type") => server_type.set(value),
            _ => {}
        })?;
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
