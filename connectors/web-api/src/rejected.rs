//! Builds the records of `rejected-events`, which keep the payloads of rejected records. Their `origin` and key
//! distinguish them from those of the runner.

use bytes::Bytes;
use model::{PayloadPart, Timestamp};
use serde::Serialize;

use crate::topics::SourceTopic;
use crate::validate::Rejected;
use crate::writer::OutgoingRecord;

const ORIGIN: &str = "web-api";

/// The request that contained a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestInfo<'a> {
    /// The request's id. A repetition with the same idempotency key has the same id.
    pub(crate) request: &'a str,
    pub(crate) received_at: Timestamp,
    /// The id of the sender's API key.
    pub(crate) sender: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Record<'a> {
    origin: &'static str,
    request: &'a str,
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    topic: Option<&'a str>,
    received_at: Timestamp,
    reason: &'static str,
    detail: &'a str,
    #[serde(flatten)]
    part: PayloadPart,
}

/// Returns the records that store `rejected`: one, or several if its payload is large.
pub(crate) fn records(rejected: &Rejected, origin: RequestInfo<'_>) -> Vec<OutgoingRecord> {
    let kept = PayloadPart::all_of(&rejected.payload)
        .into_iter()
        .map(|part| {
            let key = format!(
                "{ORIGIN}|{}|{}|{}",
                origin.request, rejected.index, part.part
            );
            let record = Record {
                origin: ORIGIN,
                request: origin.request,
                index: rejected.index,
                sender: origin.sender,
                topic: rejected.source.as_ref().map(SourceTopic::topic),
                received_at: origin.received_at,
                reason: rejected.rejection.reason.name(),
                detail: &rejected.rejection.subject,
                part,
            };
            OutgoingRecord {
                key: Bytes::from(key),
                // Encoding strings and numbers cannot fail.
                value: Bytes::from(serde_json::to_vec(&record).unwrap_or_default()),
            }
        });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Reason, Rejection};
    use serde_json::{Value, json};

    fn written(payload: &[u8]) -> Vec<(String, Value)> {
        let rejected = Rejected {
            index: 3,
            source: None,
            rejection: Rejection::new(Reason::NotJson, "record"),
            payload: Bytes::copy_from_slice(payload),
        };
        let origin = RequestInfo {
            request: "r1",
            received_at: Timestamp::from_millis(0),
            sender: Some("k1"),
        };
        let read = |record: OutgoingRecord| {
            let key = String::from_utf8(record.key.to_vec()).unwrap();
            (key, serde_json::from_slice(&record.value).unwrap())
        };
        records(&rejected, origin).into_iter().map(read).collect()
    }

    #[test]
    fn text_is_kept_as_text_and_the_rest_in_base64() {
        let expected = json!({
            "origin": "web-api", "request": "r1", "index": 3, "sender": "k1", "topic": null,
            "received_at": "1970-01-01T00:00:00.000Z", "reason": "not_json", "detail": "record",
            "part": 0, "parts": 1, "payload": "hé"
        });
        assert_eq!(
            written("hé".as_bytes()),
            [("web-api|r1|3|0".to_owned(), expected)]
        );
        let broken = &written(b"h\xff")[0].1;
        assert_eq!(broken["payload_base64"], "aP8=");
        assert_eq!(broken.get("payload"), None);
    }
}
