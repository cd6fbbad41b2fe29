//! The partial: the output of a derivation's fold for one batch of records.

mod wire;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ahead::SendersAhead;
use crate::reject::Reason;
use crate::time::Timestamp;
use crate::window::Window;

pub(crate) use wire::{ContributionRef, encode};

/// The version of the wire format of partials, which is described in `partial/wire.rs`. It is the first byte of every
/// partial.
pub const FORMAT: u8 = 3;

/// The result of one batch: a header, and the contributions of the accepted records.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPartial<P> {
    /// Describes which records the partial covers, and which of them were rejected.
    pub header: BatchHeader,
    /// The texts of all keys, one after another.
    pub keys: String,
    /// The contributions of the accepted records. Panes are in ascending order, and the keys of a pane in the order of
    /// their first events. Sessions are ordered by the first event of their key, and then by time.
    pub contributions: Vec<Contribution<P>>,
}

/// Describes which records a partial covers, and which of them were rejected. The header has the same form for every
/// derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchHeader {
    /// The format version, always [`FORMAT`].
    pub format: u8,
    /// The offset of the batch's first record.
    pub first_offset: i64,
    /// The offset after the batch's last record.
    pub next_offset: i64,
    /// The point to which the batch advances event time; `None` without accepted records. For each accepted record the
    /// earlier of its event time and its ingest time is taken; the latest of these times is stored. So a sender with a
    /// fast clock advances event time no further than the ingest time of its records.
    pub stream_time: Option<Timestamp>,
    /// The earliest event time among the accepted records.
    pub min_event_time: Option<Timestamp>,
    /// The fingerprint of the batch's last record. With it a reader recognizes a topic that was deleted and
    /// created again under the same name.
    pub last_record: u64,
    /// The senders of accepted events that were far ahead of their ingest time.
    pub ahead: SendersAhead,
    /// The number of accepted records.
    pub accepted: u64,
    /// The rejected records. Each entry is the record's offset minus `first_offset`, and the reason.
    pub rejected: Vec<(u32, Reason)>,
}

impl BatchHeader {
    /// Creates the header of an empty batch at `offset`.
    pub fn empty(offset: i64) -> Self {
        Self {
            format: FORMAT,
            first_offset: offset,
            next_offset: offset,
            stream_time: None,
            min_event_time: None,
            last_record: 0,
            ahead: SendersAhead::default(),
            accepted: 0,
            rejected: Vec::new(),
        }
    }

    /// Decodes only the header, which has the same form in the partials of all derivations.
    pub fn decode(partial: &[u8]) -> Result<Self, PartialError> {
        decode(partial)
    }

    /// Appends to `output` a partial with this header and without contributions. Any derivation can decode it.
    pub fn encode_alone(&self, output: &mut Vec<u8>) {
        encode::<()>(self, &[], &[], std::iter::empty(), output);
    }
}

/// The contribution of one batch to one window and key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Contribution<P> {
    /// The window or session; with hopping windows, the pane (a slice as long as the hop); with single events, a
    /// window that covers all times.
    #[serde(skip)] // windows are encoded apart from the contributions
    pub window: Window,
    /// The range of [`BatchPartial::keys`] that contains the text of the key.
    #[serde(deserialize_with = "wire::key_length")]
    pub key: KeyText,
    /// The number of events whose contributions are combined in `partial`.
    pub events: u64,
    /// The combined contribution of these events.
    pub partial: P,
}

/// A range of [`BatchPartial::keys`] that contains the text of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyText {
    start: u32,
    end: u32,
}

impl KeyText {
    /// Returns the text of the key. `keys` must be the texts of the partial that the contribution is from.
    pub fn of(self, keys: &str) -> &str {
        &keys[self.start as usize..self.end as usize]
    }
}

/// Why a partial cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartialError {
    /// The partial has a different version of the format.
    #[error(
        "partial has format `{0}`, not {FORMAT}: the SmartModule and the runner are of different versions"
    )]
    Format(u8),
    /// The bytes are not a partial of this derivation.
    #[error(
        "partial of {length} bytes cannot be decoded ({cause}): is it the output of a different SmartModule?"
    )]
    Malformed {
        /// The number of bytes.
        length: usize,
        /// The error of the decoder.
        cause: postcard::Error,
    },
}

impl<P: DeserializeOwned> BatchPartial<P> {
    /// Decodes a partial.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartialError> {
        wire::decode(bytes)
    }
}

/// Decodes a `T` and ignores any bytes after it.
fn decode<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, PartialError> {
    let malformed = |cause| PartialError::Malformed {
        length: bytes.len(),
        cause,
    };
    match bytes.first() {
        Some(&FORMAT) => postcard::from_bytes(bytes).map_err(malformed),
        Some(&other) => Err(PartialError::Format(other)),
        None => Err(malformed(postcard::Error::DeserializeUnexpectedEnd)),
    }
}
