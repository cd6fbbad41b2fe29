//! Times that a flag such as `--last 1h` gives in relation to now.

use std::time::Duration;

use client::now_ms;
use model::Timestamp;

/// Returns the time `duration` before now.
pub(crate) fn ago(duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now_ms().saturating_sub(millis))
}
