//! The records of `rejected-events` and `late-events`.

use client::Record;
use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::windows::Cause;

/// The most bytes of payload in one diverted record, so that even escaped or in base64 it stays
/// below what a cluster takes; longer payloads are cut into parts.
const PAYLOAD_BYTES_MAX: usize = 128 * 1024;

/// A record of `rejected-events` or `late-events`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Diverted {
    pub(crate) topic: String,
    pub(crate) partition: usize,
    pub(crate) offset: i64,
    pub(crate) received_at: Option<Timestamp>,
    pub(crate) reason: String,
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) derivation: Option<String>,
    /// The derived record's key that the event would have counted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<Timestamp>,
    /// Which part of the payload this is, from 0, and of how many.
    pub(crate) part: usize,
    pub(crate) parts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload_base64: Option<String>,
}

impl Cause {
    /// The reason and the detail of a late event.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Late => ("late", "its window could be corrected no more"),
            Self::NoRoom => (
                "no_room",
                "as many keys as `entries_max` allows were in memory",
            ),
        }
    }
}

/// The key and content of a diverted record whose key begins with `prefix`.
pub(super) fn own<'r>(
    record: &'r Record,
    prefix: &str,
    topic: &str,
) -> Result<Option<(&'r [u8], Diverted)>, RunError> {
    let Some(key) = record
        .key
        .as_deref()
        .filter(|key| key.starts_with(prefix.as_bytes()))
    else {
        return Ok(None);
    };
    let malformed = |cause| RunError::Derived {
        topic: topic.to_owned(),
        cause,
    };
    let diverted = serde_json::from_slice(&record.value).map_err(malformed)?;
    Ok(Some((key, diverted)))
}

/// The payload in pieces of at most [`PAYLOAD_BYTES_MAX`]; an empty payload is one piece.
pub(super) fn pieces(payload: &[u8]) -> Vec<&[u8]> {
    if payload.is_empty() {
        vec![payload]
    } else {
        payload.chunks(PAYLOAD_BYTES_MAX).collect()
    }
}
