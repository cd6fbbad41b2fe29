//! Parses values of flags that are durations with limits.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A shorter timeout would close connections between two requests of the same client.
const IDLE_MIN: Duration = Duration::from_secs(1);
/// A client that sends nothing for a day is assumed to be gone.
const IDLE_MAX: Duration = Duration::from_secs(86_400);

/// The longest time that a query can go back, and that the generator can write at once: a year.
const HISTORY_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Parses the time that a query goes back.
pub(super) fn history(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(1)..=HISTORY_MAX;
    within(
        text,
        &allowed,
        "give a time from 1s to 366days, or `--from beginning`",
    )
}

/// Parses the length of the history that the generator writes.
pub(super) fn backfill(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(1)..=HISTORY_MAX;
    within(text, &allowed, "give a time from 1s to 366days")
}

/// Parses the time for which an idle connection is kept open.
pub(super) fn idle_timeout(text: &str) -> Result<Duration, String> {
    within(text, &(IDLE_MIN..=IDLE_MAX), "give a time from 1s to 1day")
}

fn within(
    text: &str,
    allowed: &RangeInclusive<Duration>,
    advice: &str,
) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if allowed.contains(&duration) {
        return Ok(duration);
    }
    Err(advice.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_refused() {
        for text in ["1s", "75s", "1day"] {
            assert!(idle_timeout(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "0s",
            "999ms",
            "-1s",
            "1e30s",
            "86401s",
            "1000000000y",
            "18446744073709551615s",
            "99999999999999999999s",
        ] {
            assert!(idle_timeout(text).is_err(), "{text}");
        }
    }
}
