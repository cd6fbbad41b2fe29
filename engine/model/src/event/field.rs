//! Converts a field's raw value into the type that the schema requires, or rejects the record.

use std::borrow::Cow;

use super::layout::Layouts;
use super::limits::ID_BYTES_MAX;
use crate::decimal;
use crate::json::Value;
use crate::reject::{Reason, Rejection};
use crate::time::Timestamp;
use crate::words;

/// A field's path and its value in the record.
pub(super) struct Field<'e> {
    path: &'static str,
    value: Option<Value<'e>>,
}

impl<'e> Field<'e> {
    /// Reads the fields with the dotted `paths` from a record.
    #[inline]
    pub(super) fn read<const N: usize>(
        record: &'e [u8],
        paths: &[&'static str; N],
        layouts: &mut Layouts,
    ) -> Result<[Self; N], Rejection> {
        let mut values = [None; N];
        layouts.read(record, paths, &mut values)?;
        Ok(Self::all(&values, paths))
    }

    /// Returns the fields with the dotted `paths`, whose values are given in the same order.
    #[inline(always)]
    pub(super) fn all<const N: usize>(
        values: &[Option<Value<'e>>; N],
        paths: &[&'static str; N],
    ) -> [Self; N] {
        std::array::from_fn(|index| Self {
            path: paths[index],
            value: values[index],
        })
    }

    /// Returns a required id of 1 to [`ID_BYTES_MAX`] bytes.
    #[inline(always)]
    pub(super) fn id(&self) -> Result<Cow<'e, str>, Rejection> {
        self.optional_id()?.ok_or(self.reject(Reason::MissingField))
    }

    /// Returns an optional id; `None` if the field is absent or null.
    #[inline(always)]
    pub(super) fn optional_id(&self) -> Result<Option<Cow<'e, str>>, Rejection> {
        let id = match self.value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.decode(),
            Some(_) => return Err(self.reject(Reason::WrongType)),
        };
        match id.len() {
            0 => Err(self.reject(Reason::OutOfRange)),
            1..=ID_BYTES_MAX => Ok(Some(id)),
            _ => Err(self.reject(Reason::TooLarge)),
        }
    }

    /// Returns whether a quick test finds that [`Self::id`] returns an id.
    #[inline(always)]
    pub(super) fn is_plain_id(&self) -> bool {
        // Decoding an id makes it no longer, and never empty.
        matches!(self.value, Some(Value::String(text)) if (1..=ID_BYTES_MAX).contains(&text.raw_len()))
    }

    /// Returns whether a quick test finds that [`Self::optional_id`] returns an id or `None`.
    #[inline(always)]
    pub(super) fn is_plain_optional_id(&self) -> bool {
        matches!(self.value, None | Some(Value::Null)) || self.is_plain_id()
    }

    /// Returns whether a quick test finds a number that is not negative and less than 10^`digits`.
    #[inline(always)]
    pub(super) fn is_plain_number(&self, digits: usize) -> bool {
        let Some(Value::Number(text)) = self.value else {
            return false;
        };
        let bytes = text.as_bytes();
        let begins = |bytes: &[u8]| bytes.iter().take(digits + 1).any(|byte| *byte == b'.');
        !words::contains_either(bytes, b'e', b'E')
            && bytes.first() != Some(&b'-')
            && (bytes.len() <= digits || begins(bytes))
    }

    /// Returns a required RFC 3339 timestamp.
    #[inline]
    pub(super) fn timestamp(&self) -> Result<Timestamp, Rejection> {
        match self.value {
            None | Some(Value::Null) => Err(self.reject(Reason::MissingField)),
            Some(Value::String(text)) => {
                Timestamp::parse(&text.decode()).ok_or(self.reject(Reason::InvalidTimestamp))
            }
            Some(_) => Err(self.reject(Reason::WrongType)),
        }
    }

    /// Returns a required number × 10^`scale`, rounded half to even. The number must not be negative,
    /// and the result must be at most `max`.
    pub(super) fn number(&self, scale: u32, max: i64) -> Result<i64, Rejection> {
        let text = match self.value {
            None | Some(Value::Null) => return Err(self.reject(Reason::MissingField)),
            Some(Value::Number(text)) => text,
            Some(_) => return Err(self.reject(Reason::WrongType)),
        };
        let below_zero = text.starts_with('-')
            && text
                .bytes()
                .take_while(|byte| !matches!(byte, b'e' | b'E'))
                .any(|byte| matches!(byte, b'1'..=b'9'));
        match decimal::scaled(text, scale) {
            Some(value) if !below_zero && value <= max => Ok(value),
            _ => Err(self.reject(Reason::OutOfRange)),
        }
    }

    pub(super) fn reject(&self, reason: Reason) -> Rejection {
        Rejection::new(reason, self.path)
    }
}
