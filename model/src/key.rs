//! Record keys: the key fields of a window, joined by `|`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Key fields joined by `|`, with `|` and `%` percent-encoded inside them. The text itself is what
/// windows are grouped by, so that looking one up copies nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey(String);

impl RecordKey {
    /// The key made of `fields`.
    pub fn new(fields: &[&str]) -> Self {
        let mut text = String::with_capacity(fields.iter().map(|field| field.len() + 1).sum());
        write(fields, &mut text);
        Self(text)
    }

    /// The key of as many fields, each of them `*`: of all keys for which there is no room.
    pub fn any_other(&self) -> Self {
        let fields = self.0.split('|').count();
        Self(vec!["*"; fields].join("|"))
    }

    /// The key as it stands in the record.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `N` fields it was made of; `None` where it has another number of them.
    pub fn fields<const N: usize>(&self) -> Option<[String; N]> {
        self.0
            .split('|')
            .map(decode)
            .collect::<Vec<_>>()
            .try_into()
            .ok()
    }
}

impl From<&str> for RecordKey {
    /// `text` must be a joined key already.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::borrow::Borrow<str> for RecordKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes the key made of `fields` over what `text` holds.
#[inline]
pub fn write(fields: &[&str], text: &mut String) {
    text.clear();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push('|');
        }
        if field.bytes().any(|byte| matches!(byte, b'|' | b'%')) {
            text.push_str(&encode(field));
        } else {
            text.push_str(field);
        }
    }
}

#[cold]
fn encode(field: &str) -> String {
    field.replace('%', "%25").replace('|', "%7C")
}

fn decode(field: &str) -> String {
    field.replace("%7C", "|").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_come_back_and_different_fields_differ(a in "[|%27Ca]{0,6}", b in "[|%25Ca]{0,6}", c in "[|%27Ca]{0,6}", d in "[|%25Ca]{0,6}") {
            let key = RecordKey::new(&[&a, &b]);
            prop_assert_eq!(key.fields::<2>(), Some([a.clone(), b.clone()]));
            prop_assert_eq!(key.fields::<3>(), None);
            prop_assert_eq!(key == RecordKey::new(&[&c, &d]), (a, b) == (c, d));
        }
    }
}
