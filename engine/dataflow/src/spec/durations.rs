//! Durations in the dataflow file, such as `10s` or `30 min`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

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
    Duration::from_secs(2)
}

pub(super) fn default_allowed_lateness() -> Duration {
    Duration::from_secs(60)
}

pub(super) fn default_idle_timeout() -> Duration {
    Duration::from_secs(10)
}

pub(super) fn default_max_skew() -> Duration {
    Duration::from_secs(5 * 60)
}
