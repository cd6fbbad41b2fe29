//! The payloads of rejected and late records. The topics `rejected-events` and `late-events` store them byte for
//! byte, in parts that each fit into one record.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The topic of rejected records.
pub const REJECTED_EVENTS: &str = "rejected-events";

/// One part of a payload. Its fields are flattened into the record that stores the part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadPart {
    /// The index of this part, starting at 0.
    pub part: usize,
    /// The number of parts.
    pub parts: usize,
    /// The part as text; `None` if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The part in base64 if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_base64: Option<String>,
}

impl PayloadPart {
    /// The largest number of payload bytes in one part. Even when escaped or in base64, a part stays below a
    /// cluster's limit on the size of a record.
    pub const BYTES_MAX: usize = 128 * 1024;

    /// Splits a payload into its parts, in order. An empty payload has one part.
    pub fn all_of(payload: &[u8]) -> Vec<Self> {
        let pieces: Vec<&[u8]> = match payload.len() {
            0 => vec![payload],
            _ => payload.chunks(Self::BYTES_MAX).collect(),
        };
        let parts = pieces.len();
        let part = |(part, piece): (usize, &[u8])| {
            let text = std::str::from_utf8(piece).ok();
            Self {
                part,
                parts,
                payload: text.map(str::to_owned),
                payload_base64: text.is_none().then(|| STANDARD.encode(piece)),
            }
        };
        pieces.into_iter().enumerate().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(part: &PayloadPart) -> Vec<u8> {
        match (&part.payload, &part.payload_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).expect("base64"),
            both => panic!("{both:?}"),
        }
    }

    #[test]
    fn text_is_kept_as_text_and_long_payloads_in_parts() {
        let [text] = &PayloadPart::all_of("hé".as_bytes())[..] else {
            panic!("several parts");
        };
        assert_eq!(text.payload.as_deref(), Some("hé"));
        let long = PayloadPart::all_of(&vec![b'x'; PayloadPart::BYTES_MAX + 1]);
        let places: Vec<_> = long.iter().map(|part| (part.part, part.parts)).collect();
        assert_eq!(places, [(0, 2), (1, 2)]);
        assert_eq!(bytes(&long[1]), b"x");
        assert_eq!(PayloadPart::all_of(b"").len(), 1);
    }

    proptest! {
        #[test]
        fn any_payload_comes_back(
            payload in prop::collection::vec(any::<u8>(), 0..200),
            times in prop::sample::select(vec![1_usize, 3_000]),
        ) {
            let payload = payload.repeat(times);
            let parts = PayloadPart::all_of(&payload);
            prop_assert_eq!(parts.iter().flat_map(bytes).collect::<Vec<_>>(), payload);
        }
    }
}
