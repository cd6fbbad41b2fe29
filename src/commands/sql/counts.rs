//! Adds records to a query, and counts what becomes of them.

use std::collections::BTreeMap;

use client::{Partition, Record};
use model::{Reason, Timestamp};
use sql::{DeclaredSource, Query};

use super::admission;

/// How many records have been read.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Records that fit the columns, and whose event time counts.
    pub(super) accepted: u64,
    /// Records that are too early: by their event time, or by their ingest time if they do not fit the columns.
    pub(super) early: u64,
    /// Records that do not fit the columns, by reason: their number, and the place of the first one.
    pub(super) rejected: BTreeMap<Reason, (u64, String)>,
}

impl Counts {
    /// Adds a record to the query, unless it is earlier than `since` or does not fit the columns. Returns the event
    /// time if it fits.
    pub(super) fn add(
        &mut self,
        source: &mut DeclaredSource,
        query: &mut Query,
        record: &Record,
        partition: Partition,
        since: Option<Timestamp>,
    ) -> anyhow::Result<Option<Timestamp>> {
        match admission::read(source, record) {
            Ok(read) => {
                let time = read.time;
                if since.is_none_or(|since| time >= since) {
                    self.accepted += 1;
                    query.add(read)?;
                } else {
                    self.early += 1;
                }
                return Ok(Some(time));
            }
            // Without an event time, the ingest time decides whether the record counts.
            Err(_) if is_before(record, since) => self.early += 1,
            Err(rejection) => {
                let place = || {
                    let topic = &source.declaration().name;
                    format!(
                        "`{topic}-{partition}` at offset {}: `{}`",
                        record.offset, rejection.subject
                    )
                };
                let (count, _) = self
                    .rejected
                    .entry(rejection.reason)
                    .or_insert_with(|| (0, place()));
                *count += 1;
            }
        }
        Ok(None)
    }
}

fn is_before(record: &Record, since: Option<Timestamp>) -> bool {
    let ingest = record.timestamp_ms.map(Timestamp::from_millis);
    since
        .zip(ingest)
        .is_some_and(|(since, ingest)| ingest < since)
}
