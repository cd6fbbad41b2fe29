//! Record keys: the key fields joined by `|`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words;

/// Key fields joined by `|`. Inside a field, `|` and `%` are percent-encoded. A map with these keys can be searched
/// by the joined text, without a copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey(Box<str>);

impl RecordKey {
    /// Creates the key with these `fields`.
    pub fn new(fields: &[&str]) -> Self {
        let length: usize = fields.iter().map(|field| field.len() + 1).sum();
        // The capacity is exact unless a field is percent-encoded, so the conversion to `Box<str>` usually copies
        // nothing.
        let mut text = String::with_capacity(length.saturating_sub(1));
        write(fields, &mut text);
        Self(text.into())
    }

    /// Returns a key with the same number of fields, each of them `*`. When the open windows hold as many entries
    /// as `entries_max` allows, the events of further keys are counted under this key.
    pub fn any_other(&self) -> Self {
        let fields = self.0.split('|').count();
        Self(vec!["*"; fields].join("|").into())
    }

    /// Returns the text of the key: its encoded fields, joined by `|`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key's fields, decoded. A key without fields has one that is empty.
    pub fn all_fields(&self) -> impl Iterator<Item = String> {
        self.0.split('|').map(decode)
    }

    /// Returns the key's `N` fields, decoded; `None` if the key has a different number of fields.
    pub fn fields<const N: usize>(&self) -> Option<[String; N]> {
        let mut texts = self.0.split('|');
        let fields = std::array::from_fn(|_| texts.next());
        let has_all = fields.last().is_none_or(Option::is_some) && texts.next().is_none();
        has_all.then(|| fields.map(|field| field.map(decode).unwrap_or_default()))
    }
}

impl From<&str> for RecordKey {
    /// Creates a key from its text, in which the fields are already encoded and joined.
    fn from(text: &str) -> Self {
        Self(text.into())
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

/// Overwrites `text` with the key made of `fields`.
#[inline]
pub fn write(fields: &[&str], text: &mut String) {
    text.clear();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push('|');
        }
        if needs_encoding(field) {
            text.push_str(&encode(field));
        } else {
            text.push_str(field);
        }
    }
}

/// Appends the text of the key made of `fields` to `text`. Returns whether no field had to be percent-encoded.
#[inline]
pub(crate) fn append(fields: &[&str], text: &mut Vec<u8>) -> bool {
    let mut is_plain = true;
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(b'|');
        }
        if needs_encoding(field) {
            is_plain = false;
            words::append(text, encode(field).as_bytes());
        } else {
            words::append(text, field.as_bytes());
        }
    }
    is_plain
}

#[inline]
fn needs_encoding(field: &str) -> bool {
    words::contains_either(field.as_bytes(), b'|', b'%')
}

#[cold]
fn encode(field: &str) -> String {
    field.replace('%', "%25").replace('|', "%7C")
}

fn decode(field: &str) -> String {
    if !words::contains_either(field.as_bytes(), b'%', b'%') {
        return field.to_owned();
    }
    field.replace("%7C", "|").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_are_decoded_and_different_fields_differ(
            a in "[|%27Ca]{0,6}", b in "[|%25Ca]{0,6}",
            c in "[|%27Ca]{0,6}", d in "[|%25Ca]{0,6}",
        ) {
            let key = RecordKey::new(&[&a, &b]);
            prop_assert_eq!(key.fields::<2>(), Some([a.clone(), b.clone()]));
            prop_assert_eq!(key.fields::<3>(), None);
            prop_assert_eq!(key == RecordKey::new(&[&c, &d]), (a, b) == (c, d));
        }
    }
}
