//! Why a record did not become an event: a closed set of reasons, and where in the record it happened.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The closed set of reasons for which a record is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not one JSON object in UTF-8.
    NotJson,
    /// A required field is absent or null.
    MissingField,
    /// A field holds another JSON type than its schema says.
    WrongType,
    /// `event_timestamp` is no RFC 3339 date and time.
    InvalidTimestamp,
    /// The event time is too far ahead of the record's ingest time.
    FutureTimestamp,
    /// A value outside what its field allows.
    OutOfRange,
    /// The record, a string in it or its nesting exceeds the limits of [`crate::event::limits`].
    TooLarge,
}

impl Reason {
    /// Every reason, in the order of their declaration.
    pub const ALL: [Reason; 7] = [
        Reason::NotJson,
        Reason::MissingField,
        Reason::WrongType,
        Reason::InvalidTimestamp,
        Reason::FutureTimestamp,
        Reason::OutOfRange,
        Reason::TooLarge,
    ];

    /// The reason's name in records and metrics.
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

/// A refused record: the reason, and what in the record it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: `{subject}`")]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// The path of the field (`parameters.player_id`), or `record` for the whole.
    pub subject: &'static str,
}

impl Rejection {
    /// A rejection for `reason` at `subject`.
    pub fn new(reason: Reason, subject: &'static str) -> Self {
        Self { reason, subject }
    }
}
