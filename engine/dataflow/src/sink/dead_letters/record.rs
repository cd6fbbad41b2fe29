//! The records of `rejected-events` and `late-events`.

use client::{Offset, Partition, PartitionOffset, Record};
use model::{PayloadPart, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::RunError;
use crate::output::lateness::Cause;

/// A record of `rejected-events` or `late-events`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadLetter {
    pub(crate) topic: String,
    pub(crate) partition: Partition,
    pub(crate) offset: Offset,
    pub(crate) received_at: Option<Timestamp>,
    pub(crate) reason: String,
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) derivation: Option<String>,
    /// The key of the derived record to which the event would have contributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<Timestamp>,
    /// The payload of the original record, or a part of it; `None` until it has been fetched.
    #[serde(flatten)]
    pub(crate) payload: Option<PayloadPart>,
}

impl DeadLetter {
    /// The position of the original record.
    pub(super) fn at(&self) -> PartitionOffset {
        PartitionOffset {
            partition: self.partition,
            offset: self.offset,
        }
    }
}

impl Cause {
    /// The `reason` and the `detail` of a late event's dead letter.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Late => ("late", "its window could no longer be corrected"),
            Self::NoRoom => (
                "no_room",
                "as many keys as `entries_max` allows were in memory",
            ),
        }
    }
}

/// The key and the decoded dead letter of a record whose key begins with `prefix`; `None` for other records.
pub(super) fn own<'r>(
    record: &'r Record,
    prefix: &str,
    topic: &str,
) -> Result<Option<(&'r [u8], DeadLetter)>, RunError> {
    let Some(key) = record
        .key
        .as_deref()
        .filter(|key| key.starts_with(prefix.as_bytes()))
    else {
        return Ok(None);
    };
    let dead_letter = serde_json::from_slice(&record.value).map_err(RunError::reading(topic))?;
    Ok(Some((key, dead_letter)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::LATE_EVENTS;

    #[test]
    fn an_error_names_the_topic_and_what_was_tried_with_its_record() {
        let record = Record {
            offset: Offset(0),
            timestamp_ms: None,
            key: Some("tick-counts|ticks|0|0|0".into()),
            value: "not JSON".into(),
        };
        let read = own(&record, "tick-counts|", LATE_EVENTS).map(|found| found.is_some());
        let read = read.expect_err("no dead letter").to_string();
        assert!(
            read.starts_with("cannot read a record of topic `late-events`: "),
            "{read}"
        );
        let cause = serde_json::from_str::<DeadLetter>("").expect_err("nothing");
        let written = RunError::writing(LATE_EVENTS)(cause).to_string();
        assert!(
            written.starts_with("cannot write a record of topic `late-events`: "),
            "{written}"
        );
    }
}
