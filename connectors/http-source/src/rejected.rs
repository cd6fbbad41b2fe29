//! Builds the records of `rejected-events`, which keep payloads that cannot be written to their topic.

use bytes::Bytes;
use client::now_ms;
use model::{PayloadPart, Rejection, Timestamp};
use serde::Serialize;

const ORIGIN: &str = "http-source";
/// The reason of a record that a SmartModule could not handle.
pub(crate) const TRANSFORM_FAILED: &str = "transform_failed";

/// A record of `rejected-events` whose payload has never been in a topic, and so has neither partition nor
/// offset.
#[derive(Debug, Serialize)]
struct Rejected<'r> {
    origin: &'static str,
    /// The connector's name.
    source: &'r str,
    /// The topic for which the payload was meant, if known.
    topic: Option<&'r str>,
    received_at: Timestamp,
    reason: &'static str,
    detail: String,
    #[serde(flatten)]
    part: PayloadPart,
}

/// Why a record is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RejectCause {
    /// The name of a `model::Reason`, or [`TRANSFORM_FAILED`].
    pub(crate) reason: &'static str,
    /// The part of the record that is wrong, or a SmartModule's error message.
    pub(crate) subject: String,
}

impl From<Rejection> for RejectCause {
    fn from(rejection: Rejection) -> Self {
        Self {
            reason: rejection.reason.name(),
            subject: rejection.subject.into_owned(),
        }
    }
}

/// Makes the `rejected-events` records of one connector.
#[derive(Debug)]
pub(crate) struct Rejects {
    source: String,
    topic: Option<String>,
    /// The start time in milliseconds since 1970. Together with `number` it forms keys that no other run uses.
    started_ms: i64,
    number: u64,
}

impl Rejects {
    /// `source` is the connector's name. `topic` is its topic; `None` if it writes to several.
    pub(crate) fn new(source: &str, topic: Option<&str>) -> Self {
        Self {
            source: source.to_owned(),
            topic: topic.map(ToOwned::to_owned),
            started_ms: now_ms(),
            number: 0,
        }
    }

    /// Returns the keys and values that store one rejected payload: one record, or several if the payload is large.
    /// `bytes` is the length of the whole payload, of which `payload` may be only the beginning.
    pub(crate) fn write(
        &mut self,
        cause: &RejectCause,
        payload: &[u8],
        bytes: u64,
    ) -> Vec<(Bytes, Bytes)> {
        self.number += 1;
        let RejectCause { reason, subject } = cause;
        let detail = if bytes == payload.len() as u64 {
            subject.clone()
        } else {
            let kept = payload.len();
            format!("{subject}: {bytes} bytes, of which the first {kept} are kept")
        };
        let received_at = Timestamp::from_millis(now_ms());
        let write = |part: PayloadPart| {
            let key = self.key(part.part);
            let record = Rejected {
                origin: ORIGIN,
                source: &self.source,
                topic: self.topic.as_deref(),
                received_at,
                reason,
                detail: detail.clone(),
                part,
            };
            let value = serde_json::to_vec(&record);
            let value = value.expect("texts and numbers always have a JSON form");
            (key, value.into())
        };
        PayloadPart::all_of(payload)
            .into_iter()
            .map(write)
            .collect()
    }

    fn key(&self, part: usize) -> Bytes {
        let Self {
            source,
            started_ms,
            number,
            ..
        } = self;
        format!("{ORIGIN}|{source}|{started_ms}|{number}|{part}").into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Reason;
    use serde_json::{Value, json};

    use super::*;

    fn not_json() -> RejectCause {
        Rejection::new(Reason::NotJson, "record").into()
    }

    fn rows(payload: &[u8], bytes: u64) -> Vec<Value> {
        let mut rejects = Rejects::new("api", Some("facts"));
        let records = rejects.write(&not_json(), payload, bytes);
        let keys: BTreeSet<_> = records.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), records.len());
        let rows = records
            .iter()
            .map(|(_, value)| serde_json::from_slice(value));
        rows.collect::<Result<_, _>>().expect("JSON")
    }

    #[test]
    fn each_part_contains_its_origin() {
        let rows = rows(&vec![b'x'; PayloadPart::BYTES_MAX + 1], 131_073);
        assert_eq!(rows.len(), 2);
        for (part, row) in rows.iter().enumerate() {
            assert_eq!((&row["part"], &row["parts"]), (&json!(part), &json!(2)));
            assert_eq!(row["origin"], "http-source");
            assert_eq!(row["source"], "api");
            assert_eq!(row["topic"], "facts");
            assert_eq!(row["reason"], "not_json");
            assert_eq!(row["detail"], "record");
        }
        assert_eq!(rows[1]["payload"], "x");
    }

    #[test]
    fn the_detail_of_a_cut_payload_contains_both_lengths() {
        let rows = rows(b"begin", 1_000_000);
        assert_eq!(
            rows[0]["detail"],
            "record: 1000000 bytes, of which the first 5 are kept"
        );
    }

    #[test]
    fn each_rejected_record_has_a_key_of_its_own() {
        let mut rejects = Rejects::new("api", Some("facts"));
        let mut key = || {
            let records = rejects.write(&not_json(), b"", 0);
            records[0].0.clone()
        };
        assert_ne!(key(), key());
    }
}
