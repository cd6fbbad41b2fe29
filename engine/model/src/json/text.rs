//! A JSON string in the record. It is decoded only if it has escapes.

use std::borrow::Cow;

use crate::words;

/// The content of a JSON string between its quotes: valid UTF-8 with valid escapes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Creates a string from its content, whose escapes must have been validated.
    pub(super) fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// Returns the decoded text, borrowed if it has no escapes. Half a surrogate pair becomes U+FFFD.
    #[inline]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// Returns whether the decoded text equals `other`.
    #[inline]
    pub fn is(self, other: &str) -> bool {
        if self.escaped {
            unescape(self.raw) == other
        } else {
            words::equal(self.raw.as_bytes(), other.as_bytes())
        }
    }

    /// Returns the number of bytes between the quotes, including escapes. The decoded text is never longer.
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

/// Decodes an escape, given without its backslash. Returns the character and the length of the escape.
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
        None => (char::REPLACEMENT_CHARACTER, 1), // unreachable: the scanner has validated the escape
    }
}

/// Decodes `uXXXX`, or a surrogate pair `uXXXX\uXXXX`. Returns the character and the length; `None` if there
/// are not four hexadecimal digits. A surrogate without its other half becomes U+FFFD: RFC 8259 allows the
/// escape, but no text can contain a lone surrogate, and lossy UTF-16 decoders replace it in the same way.
pub(super) fn unicode_escape(escape: &[u8]) -> Option<(char, usize)> {
    let unit = hex4(escape.get(1..5)?)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, 5));
    }
    let pair = low_surrogate(&escape[5..]).filter(|_| unit < 0xDC00);
    let character =
        pair.and_then(|low| char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)));
    Some(
        character.map_or((char::REPLACEMENT_CHARACTER, 5), |character| {
            (character, 11)
        }),
    )
}

fn low_surrogate(escape: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = escape.get(..6)? else {
        return None;
    };
    hex4(digits).filter(|unit| (0xDC00..0xE000).contains(unit))
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| {
        Some(code << 4 | char::from(*digit).to_digit(16)?)
    })
}
