//! Why a record is not an event: one of a fixed set of reasons, and the field at fault.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The fixed set of reasons for which a record is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The record is not one JSON object in UTF-8.
    NotJson,
    /// A required field is absent or null.
    MissingField,
    /// The JSON type of a field differs from its schema.
    WrongType,
    /// `event_timestamp` is not an RFC 3339 date and time.
    InvalidTimestamp,
    /// The event time is too far ahead of the record's ingest time.
    FutureTimestamp,
    /// A value is outside the range of its field.
    OutOfRange,
    /// The record or an id in it is longer than [`crate::event::limits`] allow, or the nesting is deeper than
    /// [`crate::json::DEPTH_MAX`].
    TooLarge,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Reason; 7] = [
        Reason::NotJson,
        Reason::MissingField,
        Reason::WrongType,
        Reason::InvalidTimestamp,
        Reason::FutureTimestamp,
        Reason::OutOfRange,
        Reason::TooLarge,
    ];

    /// Returns the reason's name in records and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NotJson => "not_json",
            Reason::MissingField => "missing_field",
            Reason::WrongType => "wrong_type",
            Reason::InvalidTimestamp => "invalid_timestamp",
            Reason::FutureTimestamp => "future_timestamp",
            Reason::OutOfRange => "out_of_range",
            Reason::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The rejection of a record: the reason, and the part of the record that caused it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: `{subject}`")]
pub struct Rejection {
    /// The reason.
    pub reason: Reason,
    /// The path of the field or object (`parameters.player_id`, `parameters`), the column, or `record` for the whole
    /// record.
    pub subject: Cow<'static, str>,
}

impl Rejection {
    /// Creates a rejection for `reason` at `subject`.
    pub fn new(reason: Reason, subject: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            subject: subject.into(),
        }
    }
}
