//! Several short texts in one block of memory, which usually needs no allocation. They are compared without access to
//! other memory.
//!
//! Postcard encodes a text like its bytes. A partial is read far more often than a row is written, so texts are read as
//! bytes, and are checked to be UTF-8 only when they are written into a row.

use std::fmt;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::words;

/// A list of texts, one after another, each preceded by its length: one byte, or [`LONG`] and four bytes. `SHORT` bytes
/// need no allocation.
#[derive(Clone, Debug)]
pub(crate) enum Texts<const SHORT: usize> {
    /// The number of bytes, and the bytes.
    Short(u8, [u8; SHORT]),
    Long(Vec<u8>),
}

/// The first byte of a length of at least this value. Greater than any `SHORT`.
const LONG: u8 = u8::MAX;

impl<const SHORT: usize> Default for Texts<SHORT> {
    fn default() -> Self {
        Self::Short(0, [0; SHORT])
    }
}

impl<const SHORT: usize> PartialEq for Texts<SHORT> {
    fn eq(&self, other: &Self) -> bool {
        words::equal(self.bytes(), other.bytes())
    }
}

impl<const SHORT: usize> Eq for Texts<SHORT> {}

impl<const SHORT: usize> Texts<SHORT> {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes();
        std::iter::from_fn(move || {
            let (text, after) = split_first(rest)?;
            rest = after;
            Some(text)
        })
    }

    pub(crate) fn strings(&self) -> impl Iterator<Item = String> {
        self.iter()
            .map(|text| String::from_utf8_lossy(text).into_owned())
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        if let Self::Short(length, bytes) = self
            && let Some(free) = bytes.get_mut(usize::from(*length)..)
            && let Some((first, free)) = free.split_first_mut()
            && let Some(place) = free.get_mut(..text.len())
        {
            *first = text.len() as u8; // `SHORT` is less than `LONG`
            place.copy_from_slice(text);
            *length += 1 + *first;
            return;
        }
        self.push_long(text);
    }

    #[cold]
    fn push_long(&mut self, text: &[u8]) {
        let mut list = match std::mem::take(self) {
            Self::Short(length, bytes) => bytes[..usize::from(length)].to_vec(),
            Self::Long(list) => list,
        };
        match u8::try_from(text.len()) {
            Ok(length) if length != LONG => list.push(length),
            _ => {
                list.push(LONG);
                list.extend_from_slice(&(text.len() as u32).to_le_bytes());
            }
        }
        list.extend_from_slice(text);
        *self = Self::Long(list);
    }

    /// Inserts a text before the text with this index.
    pub(crate) fn insert(&mut self, index: usize, text: &[u8]) {
        let (at, end) = (self.end_of(index), self.bytes().len());
        self.push(text);
        let added = self.bytes().len() - end;
        let bytes = match self {
            Self::Short(length, bytes) => &mut bytes[..usize::from(*length)],
            Self::Long(list) => list,
        };
        bytes[at..].rotate_right(added);
    }

    /// Removes all texts but the first `count`. Returns whether there were more.
    pub(crate) fn truncate(&mut self, count: usize) -> bool {
        let end = self.end_of(count);
        let has_more = end < self.bytes().len();
        match self {
            Self::Short(length, _) => *length = (*length).min(end as u8),
            Self::Long(list) => list.truncate(end),
        }
        has_more
    }

    /// The index of the byte after the first `count` texts.
    fn end_of(&self, count: usize) -> usize {
        let mut rest = self.bytes();
        for _ in 0..count {
            let Some((_, after)) = split_first(rest) else {
                break;
            };
            rest = after;
        }
        self.bytes().len() - rest.len()
    }
}

/// Splits the bytes of a list after its first text.
#[inline]
fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = bytes.split_first()?;
    if *length != LONG {
        return after.split_at_checked(usize::from(*length));
    }
    let (length, after) = after.split_first_chunk()?;
    after.split_at_checked(u32::from_le_bytes(*length) as usize)
}

struct Bytes<'t>(&'t [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<const SHORT: usize> Serialize for Texts<SHORT> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = serializer.serialize_seq(Some(self.iter().count()))?;
        for text in self.iter() {
            texts.serialize_element(&Bytes(text))?;
        }
        texts.end()
    }
}

impl<'de, const SHORT: usize> Deserialize<'de> for Texts<SHORT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut texts = Self::default();
        deserializer.deserialize_seq(AppendAll(&mut texts))?;
        Ok(texts)
    }
}

/// Appends the texts that it reads to a list. Returns their number.
struct AppendAll<'l, const SHORT: usize>(&'l mut Texts<SHORT>);

impl<'de, const SHORT: usize> Visitor<'de> for AppendAll<'_, SHORT> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut texts: S) -> Result<usize, S::Error> {
        let mut count = 0;
        while texts.next_element_seed(Append(self.0))?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Appends the text that it reads to a list.
struct Append<'l, const SHORT: usize>(&'l mut Texts<SHORT>);

impl<'de, const SHORT: usize> DeserializeSeed<'de> for Append<'_, SHORT> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<const SHORT: usize> Visitor<'_> for Append<'_, SHORT> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    #[inline]
    fn visit_bytes<E>(self, text: &[u8]) -> Result<(), E> {
        self.0.push(text);
        Ok(())
    }
}

/// A fixed number of texts, such as several ids. It is encoded like a struct of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTuple<const COUNT: usize>(Texts<62>);

impl<const COUNT: usize> TextTuple<COUNT> {
    /// Creates a tuple of these texts.
    pub fn new(texts: [&str; COUNT]) -> Self {
        let mut list = Texts::default();
        texts.iter().for_each(|text| list.push(text.as_bytes()));
        Self(list)
    }

    /// Returns the texts.
    pub fn texts(&self) -> [String; COUNT] {
        let mut texts = self.0.strings();
        std::array::from_fn(|_| texts.next().unwrap_or_default())
    }
}

impl<const COUNT: usize> Serialize for TextTuple<COUNT> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = serializer.serialize_tuple(COUNT)?;
        for text in self.0.iter() {
            texts.serialize_element(&Bytes(text))?;
        }
        texts.end()
    }
}

impl<'de, const COUNT: usize> Deserialize<'de> for TextTuple<COUNT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut texts = Texts::default();
        match deserializer.deserialize_tuple(COUNT, AppendAll(&mut texts))? {
            count if count == COUNT => Ok(Self(texts)),
            count => Err(D::Error::invalid_length(count, &AppendAll(&mut texts))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z|é]{0,12}",
            (250_usize..260).prop_map(|length| "x".repeat(length)),
        ]
    }

    proptest! {
        #[test]
        fn texts_are_a_list_of_strings(
            steps in prop::collection::vec((text(), 0_usize..6), 0..8),
            kept in 0_usize..8,
        ) {
            let (mut texts, mut oracle) = (Texts::<30>::default(), Vec::new());
            for (text, index) in steps {
                let index = index.min(oracle.len());
                texts.insert(index, text.as_bytes());
                oracle.insert(index, text);
            }
            prop_assert_eq!(texts.is_empty(), oracle.is_empty());
            prop_assert_eq!(texts.truncate(kept), oracle.len() > kept);
            oracle.truncate(kept);
            prop_assert_eq!(&texts.strings().collect::<Vec<_>>(), &oracle);
            let bytes = postcard::to_stdvec(&texts).expect("encodes");
            prop_assert_eq!(&bytes, &postcard::to_stdvec(&oracle).expect("encodes"));
            prop_assert_eq!(postcard::from_bytes(&bytes), Ok(texts));
        }

        #[test]
        fn a_tuple_is_encoded_like_a_struct(a in text(), b in text(), c in text()) {
            let tuple = TextTuple::new([&a, &b, &c]);
            let bytes = postcard::to_stdvec(&tuple).expect("encodes");
            prop_assert_eq!(&bytes, &postcard::to_stdvec(&(&a, &b, &c)).expect("encodes"));
            prop_assert_eq!(postcard::from_bytes(&bytes), Ok(tuple.clone()));
            let other = TextTuple::new([&a, &c, &b]);
            prop_assert_eq!(tuple == other, b == c);
            prop_assert!(postcard::from_bytes::<TextTuple<3>>(&bytes[..bytes.len() - 1]).is_err());
            prop_assert_eq!(tuple.texts(), [a, b, c]);
        }
    }
}
