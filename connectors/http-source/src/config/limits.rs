//! Checks durations and numbers in a configuration, so that no wait is endless and no request is repeated
//! without a pause.

use std::time::Duration;

use client::TopicSettings;

use super::invalid;
use crate::error::ConfigError;

/// The shortest pause or timeout. Requests without a pause would overload the endpoint and the connector.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// The longest pause or timeout: longer than any useful one, and short enough that adding it to a time does not
/// overflow.
const PAUSE_MAX: Duration = Duration::from_secs(366 * 86_400);
/// The shortest retention that every cluster accepts.
const RETENTION_MIN: Duration = Duration::from_secs(10);
/// The longest retention: a hundred years, which in seconds fit into the 32 bits that Fluvio's protocol has for them.
const RETENTION_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);
/// The maximum number of partitions, as in the dataflow file and in the local cluster.
const PARTITIONS_MAX: u32 = 256;

/// Checks the duration of a pause or timeout.
pub(super) fn pause(place: &str, duration: Duration) -> Result<Duration, ConfigError> {
    if (PAUSE_MIN..=PAUSE_MAX).contains(&duration) {
        return Ok(duration);
    }
    let value = humantime::format_duration(duration).to_string();
    let expected = "give a time from 1ms to 366d, such as 60s";
    Err(invalid(place, &value, expected))
}

/// Checks that a cluster can create the topic.
pub(super) fn topic(settings: TopicSettings) -> Result<TopicSettings, ConfigError> {
    if !(1..=PARTITIONS_MAX).contains(&settings.partitions) {
        let (place, value) = (
            "meta.topic.partition.count",
            settings.partitions.to_string(),
        );
        return Err(invalid(place, &value, "give 1 to 256 partitions"));
    }
    let refused = |time: &Duration| {
        time.subsec_nanos() > 0 || !(RETENTION_MIN..=RETENTION_MAX).contains(time)
    };
    match settings.retention.filter(refused) {
        None => Ok(settings),
        Some(time) => {
            let value = humantime::format_duration(time).to_string();
            let expected = "give whole seconds, from 10s to a hundred years";
            Err(invalid("meta.topic.retention.time", &value, expected))
        }
    }
}
