//! Decides which records are events: those that fit the columns of their source. In the three topics with built-in
//! derivations, they must also pass the checks of these.

use client::Record;
use model::event::{Event, PlayerEvent, PurchaseEvent, ServerMetric};
use model::fold::MAX_SKEW_MS;
use model::{Reason, Rejection};
use sql::{Misfit, Reader};

/// Reads a record, or returns why it is rejected.
pub(super) fn read<'a>(reader: &Reader, record: &'a Record) -> Result<sql::Record<'a>, Misfit> {
    check_event(&reader.source().name, &record.value).map_err(|rejection| Misfit {
        reason: rejection.reason,
        subject: rejection.subject.to_owned(),
    })?;
    let read = reader.read(&record.value)?;
    let is_ahead = |ingest_ms: i64| read.time.as_millis().saturating_sub(ingest_ms) > MAX_SKEW_MS;
    if record.timestamp_ms.is_some_and(is_ahead) {
        return Err(Misfit {
            reason: Reason::FutureTimestamp,
            subject: reader.source().event_time.clone(),
        });
    }
    Ok(read)
}

fn check_event(topic: &str, value: &[u8]) -> Result<(), Rejection> {
    match topic {
        PlayerEvent::TOPIC => PlayerEvent::parse(value).map(drop),
        PurchaseEvent::TOPIC => PurchaseEvent::parse(value).map(drop),
        ServerMetric::TOPIC => ServerMetric::parse(value).map(drop),
        _ => Ok(()),
    }
}
