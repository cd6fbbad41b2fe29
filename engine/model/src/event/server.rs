//! `server-metrics`: the reports of game servers.

use std::borrow::Cow;

use super::field::Field;
use super::layout::Layouts;
use super::limits::LATENCY_MS_MAX;
use super::{Event, TypedEvent};
use crate::json::Value;
use crate::reject::Rejection;
use crate::time::Timestamp;

/// The number of decimal places of a reading. Readings are integers, because sums of integers are exact,
/// while sums of floats depend on their order.
pub const READING_DIGITS: u32 = 6;
/// The integer that represents one percent or one millisecond.
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
    /// The server's region.
    pub region: Cow<'e, str>,
    /// The server's type: `dedicated`, `virtual`, …
    pub server_type: Cow<'e, str>,
    /// The event time: when the readings were taken.
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

impl<'e> TypedEvent<'e> for ServerMetric<'e> {
    const TOPIC: &'static str = "server-metrics";

    const PATHS: &'static [&'static str] = &FIELDS;

    fn from_values(values: &[Option<Value<'e>>]) -> Result<Self, Rejection> {
        let values = values.first_chunk().unwrap_or(&[None; FIELDS.len()]);
        Self::from_fields(Field::all(values, &FIELDS))
    }

    #[inline]
    fn time_if_plain(values: &[Option<Value<'e>>]) -> Option<Timestamp> {
        let [
            name,
            time,
            server_id,
            cpu_load,
            memory_usage,
            latency,
            ids @ ..,
        ] = Field::all(values.first_chunk()?, &FIELDS);
        let are_plain = name.is_plain_id()
            && server_id.is_plain_id()
            && cpu_load.is_plain_number(2)
            && memory_usage.is_plain_number(2)
            && latency.is_plain_number(7)
            && ids.iter().all(Field::is_plain_id);
        are_plain.then(|| time.timestamp().ok()).flatten()
    }

    #[inline]
    fn parse_alike(record: &'e [u8], layouts: &mut Layouts) -> Result<Self, Rejection> {
        Field::read(record, &FIELDS, layouts).and_then(Self::from_fields)
    }
}

impl<'e> ServerMetric<'e> {
    #[inline(always)]
    fn from_fields(fields: [Field<'e>; FIELDS.len()]) -> Result<Self, Rejection> {
        let [
            name,
            time,
            server_id,
            cpu_load,
            memory_usage,
            latency,
            region,
            server_type,
        ] = fields;
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
}

impl Event for ServerMetric<'_> {
    #[inline]
    fn time(&self) -> Timestamp {
        self.time
    }

    #[inline]
    fn sender(&self) -> &str {
        &self.server_id
    }
}
