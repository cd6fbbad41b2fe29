//! The records of `rejected-events` and `late-events`.

use client::Record;
use model::{PayloadPart, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::windows::Cause;

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
    /// `None` until the payload is there.
    #[serde(flatten)]
    pub(crate) payload: Option<PayloadPart>,
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
