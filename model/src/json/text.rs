//! A JSON string as it stands in the record, decoded only where it has escapes.

use std::borrow::Cow;

use crate::words;

/// The inside of a JSON string: valid UTF-8 with valid escapes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// `raw` must have been validated, its escapes included.
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The text; borrowed unless it has escapes.
    #[inline]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Whether the decoded text is `other`.
    #[inline]
    pub fn is(self, other: &str) -> bool {
        if self.escaped {
            unescape(self.raw) == other
        } else {
            words::equal(self.raw.as_bytes(), other.as_bytes())
        }
    }

    /// The bytes between the quotes, escapes included: never fewer than the decoded text has.
    pub fn raw_len(self) -> usize {
        self.raw.len()
    }
}

fn unescape(raw: &str) -> String {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        decoded.push_str(&rest[..at]);
        let (character, length) = unescape_one(&rest.as_bytes()[at + 1..]);
        decoded.push(character);
        rest = &rest[at + 1 + length..];
    }
    decoded + rest
}

/// The character that an escape (without its backslash) stands for, and the escape's length.
fn unescape_one(escape: &[u8]) -> (char, usize) {
    let simple = match escape[0] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(escape),
        other => char::from(other),
    };
    (simple, 1)
}

fn unescape_unicode(escape: &[u8]) -> (char, usize) {
    match unicode_escape(escape) {
        Some((character, length)) => (character, length),
        None => (char::REPLACEMENT_CHARACTER, 1), // not reached: the scanner has validated it
    }
}

/// The character of `uXXXX`, or of a surrogate pair `uXXXX\uXXXX`, and the length; `None` where it
/// is no Unicode scalar value.
pub(super) fn unicode_escape(escape: &[u8]) -> Option<(char, usize)> {
    let high = hex4(escape.get(1..5)?)?;
    if !(0xD800..0xDC00).contains(&high) {
        return char::from_u32(high).map(|character| (character, 5));
    }
    let low = match escape.get(5..11)? {
        [b'\\', b'u', digits @ ..] => hex4(digits)?,
        _ => return None,
    };
    if !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        .map(|character| (character, 11))
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| {
        Some(code << 4 | char::from(*digit).to_digit(16)?)
    })
}
