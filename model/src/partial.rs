//! The partial: all that a SmartModule says of one batch of records.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::key::RecordKey;
use crate::reject::Reason;
use crate::time::Timestamp;
use crate::window::Window;

/// The version of the partial's format (postcard of [`BatchPartial`]), its first byte.
pub const FORMAT: u8 = 1;

/// One batch: what became of its records, and the contributions of the accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchPartial<P> {
    /// Which records it covers, and what became of each.
    pub header: BatchHeader,
    /// What the accepted records contribute, by window and key in ascending order.
    pub contributions: Vec<Contribution<P>>,
}

/// Which records a partial covers, and what became of each; the same for every derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchHeader {
    /// [`FORMAT`].
    pub format: u8,
    /// The offset of the batch's first record.
    pub first_offset: i64,
    /// The offset after its last record.
    pub next_offset: i64,
    /// The greatest event time among the accepted records.
    pub max_event_time: Option<Timestamp>,
    /// The number of accepted records.
    pub accepted: u64,
    /// The rejected records: offset − `first_offset`, and why.
    pub rejected: Vec<(u32, Reason)>,
}

impl BatchHeader {
    /// Reads the header that a partial of any derivation begins with.
    pub fn decode(partial: &[u8]) -> Result<Self, PartialError> {
        decode(partial)
    }
}

/// What the records of one batch contribute to one window and key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution<P> {
    /// The window.
    pub window: Window,
    /// The key.
    pub key: RecordKey,
    /// The number of events that were lifted into `partial`.
    pub events: u64,
    /// Their combined contribution.
    pub partial: P,
}

/// A partial that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartialError {
    /// Another version of the format.
    #[error(
        "partial has format `{0}`, not {FORMAT}: the SmartModule and the runner are of different versions"
    )]
    Format(u8),
    /// Not the bytes of a partial of this derivation.
    #[error(
        "partial of {length} bytes cannot be decoded ({cause}): is it another SmartModule's output?"
    )]
    Malformed {
        /// Its length.
        length: usize,
        /// The decoder's word.
        cause: postcard::Error,
    },
}

impl<P: DeserializeOwned> BatchPartial<P> {
    /// Reads a partial.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartialError> {
        decode(bytes)
    }
}

/// Bytes behind what `T` takes are not looked at.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PartialError> {
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

impl<P: Serialize> BatchPartial<P> {
    /// Appends the partial's bytes to `output`.
    pub fn encode(&self, output: &mut Vec<u8>) {
        encode(self, output);
    }
}

/// A partial whose contributions are still in the tables of the fold; its bytes are those of a
/// [`BatchPartial`].
#[derive(Serialize)]
pub(crate) struct BatchPartialRef<'a, P> {
    pub(crate) header: BatchHeader,
    pub(crate) contributions: Vec<ContributionRef<'a, P>>,
}

#[derive(Serialize)]
pub(crate) struct ContributionRef<'a, P> {
    pub(crate) window: Window,
    pub(crate) key: &'a RecordKey,
    pub(crate) events: u64,
    pub(crate) partial: &'a P,
}

impl<P: Serialize> BatchPartialRef<'_, P> {
    pub(crate) fn encode(&self, output: &mut Vec<u8>) {
        encode(self, output);
    }
}

fn encode(partial: &impl Serialize, output: &mut Vec<u8>) {
    if let Err(error) = postcard::to_io(partial, output) {
        unreachable!("writing into memory cannot fail: {error}");
    }
}
