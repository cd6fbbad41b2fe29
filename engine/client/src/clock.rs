//! The wall clock for all crates that use the client.

use std::time::{SystemTime, UNIX_EPOCH};

/// The wall-clock time in milliseconds since the Unix epoch; 0 if the clock is set to a time before the epoch.
#[must_use]
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since_epoch.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
