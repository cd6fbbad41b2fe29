//! The text of a key: a prefix, an id by which the key is found, and 256 random bits.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The prefix makes a key recognisable if it leaks into a log or a repository.
const PREFIX: &str = "gak_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// A new key.
pub(super) struct Token {
    pub(super) id: String,
    /// The whole key, which is shown only once.
    pub(super) text: String,
}

impl Token {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut random = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut random)?;
        let (id, secret) = random.split_at(ID_BYTES);
        let id = hex(id);
        let text = format!("{PREFIX}{id}_{}", hex(secret));
        Ok(Self { id, text })
    }
}

/// Returns the id in a key, without checking the rest of the key.
pub(super) fn id_of(token: &str) -> Option<&str> {
    let (id, _) = token.strip_prefix(PREFIX)?.split_once('_')?;
    Some(id)
}

/// Returns the hash of a key, which is stored in its place. A plain hash is enough because keys are random.
pub(super) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Whether the key has this hash; the comparison takes constant time.
pub(super) fn matches(token: &str, stored: &str) -> bool {
    hash(token).as_bytes().ct_eq(stored.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_id_and_checked_by_its_hash() {
        let (one, two) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(one.text, two.text);
        assert_eq!(
            one.text.len(),
            PREFIX.len() + 2 * (ID_BYTES + SECRET_BYTES) + 1
        );
        assert_eq!(id_of(&one.text), Some(one.id.as_str()));
        assert!(matches(&one.text, &hash(&one.text)));
        assert!(!matches(&two.text, &hash(&one.text)));
        assert!(!matches(&one.text, ""));
        assert_eq!(id_of("Basic xyz"), None);
    }

    #[test]
    fn the_hash_is_sha_256_in_hex() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc"), expected);
    }
}
