//! The journal: a topic that contains the intents of requests, and the record offsets of requests that are done.
//! It is loaded when the web API starts.

use std::collections::BTreeMap;

use bytes::Bytes;
use client::{Cluster, Mode, Offset, OffsetRange, Partition, Record, Start};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

use super::request::{Digest, RequestKey};
use super::request_table::{RecordRange, RequestTable};
use crate::clock::Correction;
use crate::limits::IDEMPOTENCY_RETENTION;
use crate::sources::Sources;
use crate::start_error::StartError;
use crate::topics::JOURNAL;
use crate::writer::OutgoingRecord;

/// The plan to write the records of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    pub(super) at_ms: i64,
    pub(super) digest: Digest,
    /// The correction of the request's event times. It is stored because a repetition arrives later, but must
    /// write the same records.
    pub(super) correction: Option<Correction>,
    /// For each topic, the end offset of each partition before the records are written.
    pub(super) from: BTreeMap<String, Vec<Offset>>,
}

/// A request whose records are all written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) at_ms: i64,
    pub(super) digest: Digest,
    /// The offsets of the request's records.
    pub(super) ranges: Vec<RecordRange>,
}

/// The value of a journal record. The record's key is the key of the request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum JournalRecord {
    Intent {
        at_ms: i64,
        digest: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock_correction_ms: Option<i64>,
        from: BTreeMap<String, Vec<Offset>>,
    },
    Answer {
        at_ms: i64,
        digest: String,
        /// For each range: topic, partition, first offset, and the offset after the last one.
        at: Vec<(String, Partition, Offset, Offset)>,
    },
}

impl Intent {
    pub(super) fn record(&self, key: RequestKey) -> OutgoingRecord {
        let entry = JournalRecord::Intent {
            at_ms: self.at_ms,
            digest: self.digest.to_string(),
            clock_correction_ms: self.correction.map(Correction::ms),
            from: self.from.clone(),
        };
        outgoing(key, &entry)
    }

    /// Merges another intent of the same request. Keeps the smaller offset of each partition, because the records
    /// may have been written after either intent.
    pub(super) fn merge(&mut self, other: &Self) {
        for (topic, ends) in &other.from {
            let Some(mine) = self.from.get_mut(topic) else {
                continue;
            };
            for (mine, other) in mine.iter_mut().zip(ends) {
                *mine = (*mine).min(*other);
            }
        }
    }
}

/// Creates the journal record of a request that is done. The response is not stored, because it can be
/// computed from the body.
pub(super) fn answer_record(
    key: RequestKey,
    intent: &Intent,
    ranges: &[RecordRange],
) -> OutgoingRecord {
    let entry = JournalRecord::Answer {
        at_ms: intent.at_ms,
        digest: intent.digest.to_string(),
        at: ranges.iter().map(RecordRange::to_tuple).collect(),
    };
    outgoing(key, &entry)
}

/// Creates an empty record, which is written to find out whether the disk has space. Its time is so old
/// that `load` ignores it.
pub(super) fn probe_record() -> OutgoingRecord {
    let entry = JournalRecord::Answer {
        at_ms: 0,
        digest: String::new(),
        at: Vec::new(),
    };
    outgoing(RequestKey::NONE, &entry)
}

fn outgoing(key: RequestKey, entry: &JournalRecord) -> OutgoingRecord {
    OutgoingRecord {
        key: Bytes::from(key.to_string()),
        // Encoding numbers and strings cannot fail.
        value: Bytes::from(serde_json::to_vec(entry).unwrap_or_default()),
    }
}

/// Loads the records within the retention time into the table.
pub(super) async fn load(
    cluster: &Cluster,
    table: &RequestTable,
    sources: &Sources,
    now_ms: i64,
) -> Result<(), StartError> {
    let since_ms = now_ms - IDEMPOTENCY_RETENTION.as_millis() as i64;
    for partition in Partition::of(cluster.partition_count(JOURNAL).await?) {
        let mut records = cluster
            .records(JOURNAL, partition, Start::Beginning, Mode::UntilEnd)
            .await?;
        while let Some(record) = records.next().await {
            take(table, sources, &record?, since_ms)?;
        }
    }
    tracing::info!(
        keys = table.len(),
        "loaded the idempotency keys of the last hour"
    );
    Ok(())
}

fn take(
    table: &RequestTable,
    sources: &Sources,
    record: &Record,
    since_ms: i64,
) -> Result<(), StartError> {
    let malformed = |cause| StartError::Journal {
        topic: JOURNAL.to_owned(),
        offset: record.offset,
        cause,
    };
    let unknown = |what: &str| malformed(serde::de::Error::custom(format!("invalid {what}")));
    let key = record.key.as_deref().and_then(RequestKey::from_bytes);
    let key = key.ok_or_else(|| unknown("record key"))?;
    let digest_of =
        |hex: &str| Digest::parse(hex).ok_or_else(|| unknown(&format!("digest `{hex}`")));
    match serde_json::from_slice(&record.value).map_err(malformed)? {
        JournalRecord::Intent { at_ms, .. } | JournalRecord::Answer { at_ms, .. }
            if at_ms < since_ms => {}
        JournalRecord::Intent {
            at_ms,
            digest,
            clock_correction_ms,
            from,
        } => {
            let intent = Intent {
                at_ms,
                digest: digest_of(&digest)?,
                correction: clock_correction_ms.map(Correction::from_ms),
                from,
            };
            table.load_intent(key, intent);
        }
        JournalRecord::Answer { at_ms, digest, at } => {
            // Without its source, a range is not needed: no request can write to the topic any more.
            let ranges = at.into_iter().filter_map(|(topic, partition, start, end)| {
                let target = sources.target(&topic)?;
                Some(RecordRange::new(
                    target,
                    partition,
                    OffsetRange { start, end },
                ))
            });
            let settled = Settled {
                at_ms,
                digest: digest_of(&digest)?,
                ranges: ranges.collect(),
            };
            table.load_settled(key, settled);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::request::{digest, request_key};
    use super::*;
    use crate::idempotency::request_table::Begin;
    use crate::topics::TargetTopic;
    use std::sync::Arc;

    fn record(outgoing: OutgoingRecord) -> Record {
        Record {
            offset: Offset::ZERO,
            timestamp_ms: None,
            key: Some(outgoing.key),
            value: outgoing.value,
        }
    }

    fn intent(ends: Vec<i64>) -> Intent {
        let ends = ends.into_iter().map(Offset).collect();
        let from = BTreeMap::from([("player-events".to_owned(), ends)]);
        Intent {
            at_ms: 1_000,
            digest: digest("/v1/events", "", &[b"{}"]),
            correction: Some(Correction::from_ms(-7_000)),
            from,
        }
    }

    #[test]
    fn after_a_restart_an_intent_is_in_doubt_and_an_answer_is_kept() {
        let (table, key) = (Arc::new(RequestTable::default()), request_key(None, "k"));
        take(
            &table,
            &Sources::built_in(),
            &record(intent(vec![5, 6]).record(key)),
            0,
        )
        .unwrap();
        let doubted = RequestTable::begin(&table, key, intent(vec![]).digest, 2_000).unwrap();
        let Begin::InDoubt(claim) = doubted else {
            panic!("not in doubt");
        };
        assert_eq!(claim.from()["player-events"], [5, 6].map(Offset));
        assert_eq!(claim.correction(), Some(Correction::from_ms(-7_000)));
        drop(claim);
        let (start, end) = (Offset(3), Offset(4));
        let offsets = OffsetRange { start, end };
        let range = RecordRange::new(TargetTopic::Rejected, Partition(0), offsets);
        let ranges = [range];
        let answered = answer_record(key, &intent(vec![5, 6]), &ranges);
        take(&table, &Sources::built_in(), &record(answered), 0).unwrap();
        let answered = RequestTable::begin(&table, key, intent(vec![]).digest, 2_000).unwrap();
        assert!(matches!(answered, Begin::Answered));
        assert_eq!(table.ranges_of_others(request_key(None, "other")), ranges);
    }

    #[test]
    fn two_intents_are_merged_to_their_smaller_offsets_in_any_order() {
        let key = request_key(None, "k");
        for ends in [[vec![5, 9], vec![7, 8]], [vec![7, 8], vec![5, 9]]] {
            let table = Arc::new(RequestTable::default());
            for ends in ends {
                take(
                    &table,
                    &Sources::built_in(),
                    &record(intent(ends).record(key)),
                    0,
                )
                .unwrap();
            }
            match RequestTable::begin(&table, key, intent(vec![]).digest, 2_000).unwrap() {
                Begin::InDoubt(claim) => {
                    assert_eq!(claim.from()["player-events"], [5, 8].map(Offset))
                }
                _ => panic!("not in doubt"),
            }
        }
    }

    #[test]
    fn old_records_are_skipped_and_unknown_ones_are_errors() {
        let (table, key) = (RequestTable::default(), request_key(None, "k"));
        take(
            &table,
            &Sources::built_in(),
            &record(intent(vec![5]).record(key)),
            1_001,
        )
        .unwrap();
        assert_eq!(table.len(), 0);
        let mut unknown = record(intent(vec![5]).record(key));
        unknown.value = Bytes::from_static(b"{\"later\":{}}");
        assert!(take(&table, &Sources::built_in(), &unknown, 0).is_err());
    }
}
