//! The identity of a request: its key, which belongs to its sender, and the digest of its content.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The size of a key or digest in bytes: half a SHA-256 hash, which is enough to avoid collisions between
/// requests.
const BYTES: usize = 16;

/// The hash of a request's sender and `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RequestKey([u8; BYTES]);

/// The hash of a request's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest([u8; BYTES]);

/// Returns the request key for the idempotency key `key` of `sender`, which is `None` without API keys.
pub(crate) fn request_key(sender: Option<&str>, key: &str) -> RequestKey {
    RequestKey(hash(&[
        sender.unwrap_or_default().as_bytes(),
        key.as_bytes(),
    ]))
}

/// Returns the digest of a decompressed body posted to `path`. The body may be in several pieces.
pub(crate) fn digest(path: &str, content_type: &str, body: &[impl AsRef<[u8]>]) -> Digest {
    let mut pieces = vec![path.as_bytes(), content_type.as_bytes()];
    pieces.extend(body.iter().map(AsRef::as_ref));
    Digest(hash(&pieces))
}

/// Hashes the length and then the content of each piece, so that moving bytes between pieces changes the
/// hash.
fn hash(pieces: &[&[u8]]) -> [u8; BYTES] {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update((piece.len() as u64).to_be_bytes());
        hasher.update(piece);
    }
    let hash = hasher.finalize();
    std::array::from_fn(|index| hash[index])
}

impl RequestKey {
    /// A key that belongs to no request.
    pub(super) const NONE: Self = Self([0; BYTES]);

    /// Parses the hexadecimal form.
    pub(super) fn from_bytes(hex: &[u8]) -> Option<Self> {
        parse(std::str::from_utf8(hex).ok()?).map(Self)
    }
}

impl Digest {
    pub(super) fn parse(hex: &str) -> Option<Self> {
        parse(hex).map(Self)
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

fn parse(hex: &str) -> Option<[u8; BYTES]> {
    let digits = hex.len() == 2 * BYTES && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = digits.then(|| u128::from_str_radix(hex, 16).ok())??;
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_its_sender_and_is_parsed_as_written() {
        let key = request_key(Some("a"), "order-1");
        assert_ne!(key, request_key(Some("b"), "order-1"));
        assert_ne!(key, request_key(None, "order-1"));
        assert_ne!(key, request_key(Some("ao"), "rder-1"));
        assert_eq!(
            RequestKey::from_bytes(key.to_string().as_bytes()),
            Some(key)
        );
        assert_eq!(RequestKey::from_bytes(b"nonsense"), None);
        assert_eq!(RequestKey::from_bytes(&[b'+'; 32]), None);
    }

    #[test]
    fn another_path_or_body_is_another_request() {
        let first = digest("/v1/events", "application/json", &[b"{}"]);
        assert_ne!(
            first,
            digest("/v1/player-events", "application/json", &[b"{}"])
        );
        assert_ne!(first, digest("/v1/events", "application/json", &[b"{ }"]));
        assert_eq!(Digest::parse(&first.to_string()), Some(first));
    }
}
