//! Decides which records are events: those that fit the columns of their source, and whose time is not far ahead of the
//! time at which they were written.

use client::Record;
use model::fold::MAX_SKEW_MS;
use model::source::Source;
use model::{Reason, Rejection};
use sql::DeclaredSource;

/// Reads a record, or returns why it is rejected.
pub(super) fn read<'r>(
    source: &mut DeclaredSource,
    record: &'r Record,
) -> Result<sql::Record<'r>, Rejection> {
    let read = source.parse(&record.value)?;
    let is_ahead = |ingest_ms: i64| read.time.as_millis().saturating_sub(ingest_ms) > MAX_SKEW_MS;
    if record.timestamp_ms.is_some_and(is_ahead) {
        let event_time = source.event_time().to_owned();
        return Err(Rejection::new(Reason::FutureTimestamp, event_time));
    }
    Ok(read)
}
