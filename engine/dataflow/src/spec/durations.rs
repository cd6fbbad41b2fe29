//! Durations in the dataflow file, such as `10s` or `30 min`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// How far the watermark stays behind stream time by default.
pub const LATENESS_DEFAULT: Duration = Duration::from_secs(2);
/// How long a partition may be silent by default before the watermark advances without it.
pub const IDLE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

pub(super) fn parse<E: de::Error>(text: &str) -> Result<Duration, E> {
    humantime::parse_duration(text).map_err(|error| {
        E::custom(format!(
            "`{text}` is not a duration such as `10s` or `5m`: {error}"
        ))
    })
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

pub(super) fn default_lateness() -> Duration {
    LATENESS_DEFAULT
}

pub(super) fn default_allowed_lateness() -> Duration {
    Duration::from_secs(60)
}

pub(super) fn default_idle_timeout() -> Duration {
    IDLE_TIMEOUT_DEFAULT
}

pub(super) fn default_max_skew() -> Duration {
    Duration::from_secs(5 * 60)
}
