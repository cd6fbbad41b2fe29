//! The wall clock. Outside tests, no other file of this crate reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the current wall-clock time.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Returns the time since 1970; zero if the clock is set to an earlier year.
pub(crate) fn since_epoch() -> Duration {
    now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
