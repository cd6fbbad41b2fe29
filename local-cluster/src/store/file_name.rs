//! Encodes names of objects as file names. Any name can be encoded unless it is too long, and different names get
//! different file names.

use std::fmt::Write as _;

use super::error::StoreError;

/// The longest encoded name in bytes. File systems allow 255 bytes; the rest is for what is added to the name (a
/// partition, and the extensions of files and temporary files).
const MAX_BYTES: usize = 220;

/// Encodes `name` with only lower-case letters, digits, `-`, `_`, `%` and, after the first character, dots.
///
/// Upper-case letters are encoded too, because some file systems treat them as equal to lower-case ones.
pub(super) fn encode(name: &str) -> Result<String, StoreError> {
    let mut encoded = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => encoded.push(char::from(byte)),
            b'.' if index > 0 => encoded.push('.'),
            // Writing to a `String` cannot fail.
            _ => drop(write!(encoded, "%{byte:02x}")),
        }
    }
    match encoded.len() {
        // The file name of an empty name must not be empty, because then the path would be the folder
        // itself.
        0 => Ok("%".to_owned()),
        1..=MAX_BYTES => Ok(encoded),
        _ => Err(StoreError::NameTooLong {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legal_topic_names_stay_as_they_are() {
        assert_eq!(encode("game-events-2").expect("short"), "game-events-2");
    }

    #[test]
    fn no_name_leaves_its_folder() {
        for name in [
            "", ".", "..", "../x", "/etc", "a/b", ".hidden", "a\0b", "CON:",
        ] {
            let encoded = encode(name).expect("short");
            assert!(
                !encoded.starts_with('.') && !encoded.is_empty(),
                "`{name}` gave `{encoded}`"
            );
            assert!(
                !encoded.contains(['/', '\\', '\0', ':']),
                "`{name}` gave `{encoded}`"
            );
        }
    }

    #[test]
    fn too_long_a_name_is_refused() {
        assert!(encode(&"a".repeat(MAX_BYTES)).is_ok());
        assert!(encode(&"a".repeat(MAX_BYTES + 1)).is_err());
        assert!(encode(&"Ä".repeat(MAX_BYTES / 4)).is_err());
    }

    proptest! {
        #[test]
        fn no_two_names_share_a_file(names in prop::collection::hash_set(".{0,4}|[aA%2f.]{0,4}", 0..50)) {
            let mut seen: HashMap<String, String> = HashMap::new();
            for name in names {
                let folded = encode(&name).expect("short").to_lowercase();
                if let Some(other) = seen.insert(folded, name.clone()) {
                    panic!("`{name}` and `{other}` share a file");
                }
            }
        }
    }
}
