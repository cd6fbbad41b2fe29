//! Rejected records, as they are kept in `rejected-events`: payload and all, beside those that the
//! runner finds, and told from these by their `origin` and key.

use bytes::Bytes;
use model::{PayloadPart, Timestamp};
use serde::Serialize;

use crate::validate::Rejected;
use crate::writer::Outgoing;

const ORIGIN: &str = "web-api";

/// The request that a record came with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The request's name; the same when it is repeated under one idempotency key.
    pub(crate) request: &'a str,
    pub(crate) received_at: Timestamp,
    /// The id of the sender's key.
    pub(crate) sender: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Record<'a> {
    origin: &'static str,
    request: &'a str,
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    topic: Option<&'static str>,
    received_at: Timestamp,
    reason: &'static str,
    detail: &'static str,
    #[serde(flatten)]
    part: PayloadPart,
}

/// The records that keep `rejected`: one, or as many as its payload needs.
pub(crate) fn records(rejected: &Rejected, origin: Origin<'_>) -> Vec<Outgoing> {
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
                topic: rejected.source.map(|source| source.topic()),
                received_at: origin.received_at,
                reason: rejected.rejection.reason.name(),
                detail: rejected.rejection.subject,
                part,
            };
            Outgoing {
                key: Bytes::from(key),
                // Text and numbers: there is nothing in it that cannot be written.
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

    fn kept(payload: &[u8]) -> Vec<(String, Value)> {
        let rejected = Rejected {
            index: 3,
            source: None,
            rejection: Rejection::new(Reason::NotJson, "record"),
            payload: Bytes::copy_from_slice(payload),
        };
        let origin = Origin {
            request: "r1",
            received_at: Timestamp::from_millis(0),
            sender: Some("k1"),
        };
        let read = |record: Outgoing| {
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
            kept("hé".as_bytes()),
            [("web-api|r1|3|0".to_owned(), expected)]
        );
        let broken = &kept(b"h\xff")[0].1;
        assert_eq!(broken["payload_base64"], "aP8=");
        assert_eq!(broken.get("payload"), None);
    }
}
