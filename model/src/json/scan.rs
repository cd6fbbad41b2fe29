//! The scanner: one pass over the bytes, no allocation, no recursion.

use super::text::unicode_escape;
use super::{DEPTH_MAX, JsonError, Text, Value};
use crate::words;

/// A cursor over one JSON document.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    /// The bytes up to the first that is not UTF-8. Checked once for all strings; nothing is read
    /// beyond it, so what is not UTF-8 looks like a document that ends too early.
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self { bytes, text, at: 0 }
    }

    /// Enters an object: `true` where one begins here; otherwise nothing is consumed.
    #[inline]
    pub fn enter_object(&mut self) -> bool {
        self.skip_space();
        let begins = self.peek() == Some(b'{');
        self.at += usize::from(begins);
        begins
    }

    /// The next key of the object entered last (`first` for its first one), the scanner standing
    /// at its value; `None` when the object has ended.
    #[inline]
    pub fn key(&mut self, first: bool) -> Result<Option<Text<'a>>, JsonError> {
        self.skip_space();
        match self.next() {
            Some(b'}') => return Ok(None),
            Some(b'"') if first => {}
            Some(b',') if !first => {
                self.skip_space();
                self.expect(b'"')?;
            }
            _ => return Err(JsonError::Syntax),
        }
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// The value at the cursor, passed over whole. `depth` counts the objects already entered.
    #[inline]
    pub fn value(&mut self, depth: u32) -> Result<Value<'a>, JsonError> {
        self.skip_space();
        match self.next() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => self.skip_nested(true, depth),
            Some(b'[') => self.skip_nested(false, depth),
            Some(b't') => self.literal(b"rue", Value::Bool(true)),
            Some(b'f') => self.literal(b"alse", Value::Bool(false)),
            Some(b'n') => self.literal(b"ull", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(JsonError::Syntax),
        }
    }

    /// Passes over these very bytes: `false` where others stand here.
    #[inline]
    pub(crate) fn skip(&mut self, bytes: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.get(..bytes.len());
        let is_found = found.is_some_and(|found| words::equal(found, bytes));
        self.at += if is_found { bytes.len() } else { 0 };
        is_found
    }

    /// The rest of a string without escapes, up to its closing quote, which is left to be read.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<Text<'a>> {
        let end = words::find_special(self.text.as_bytes(), self.at)?;
        let raw = self.text.get(self.at..end)?;
        self.at = end;
        (self.peek() == Some(b'"')).then(|| Text::new(raw, false))
    }

    /// How many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Whether all bytes have been read.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Checks that nothing but white space follows.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.is_done() {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    /// The rest of an array or object whose opening bracket was consumed. The kinds of the open
    /// brackets are bits of a word: no recursion, so no input can exhaust the stack.
    fn skip_nested(&mut self, object: bool, outer_depth: u32) -> Result<Value<'a>, JsonError> {
        let mut kinds = u128::from(object);
        let mut depth = 1;
        let mut first = true;
        while depth > 0 {
            let object = kinds & 1 == 1;
            if !self.enter_element(object, first)? {
                kinds >>= 1;
                depth -= 1;
                first = false;
                continue;
            }
            first = false;
            self.skip_space();
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    self.at += 1;
                    depth += 1;
                    if depth + outer_depth > DEPTH_MAX {
                        return Err(JsonError::TooDeep);
                    }
                    kinds = kinds << 1 | u128::from(bracket == b'{');
                    first = true;
                }
                _ => drop(self.value(0)?),
            }
        }
        Ok(Value::Nested)
    }

    /// Moves to the next element of the innermost array or object; `false` when it ends here.
    fn enter_element(&mut self, object: bool, first: bool) -> Result<bool, JsonError> {
        if object {
            return self.key(first).map(|key| key.is_some());
        }
        self.skip_space();
        match self.peek() {
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(JsonError::Syntax),
        }
    }

    /// The rest of a string whose opening quote was consumed.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        let start = self.at;
        let mut escaped = false;
        loop {
            let place = words::find_special(self.text.as_bytes(), self.at);
            self.at = place.ok_or(JsonError::Syntax)?;
            match self.next() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(JsonError::Syntax),
            }
        }
        let raw = self.text.get(start..self.at - 1);
        Ok(Text::new(raw.ok_or(JsonError::Syntax)?, escaped))
    }

    #[cold]
    fn escape(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let (_, length) =
                    unicode_escape(&self.text.as_bytes()[self.at..]).ok_or(JsonError::Syntax)?;
                self.at += length;
            }
            _ => return Err(JsonError::Syntax),
        }
        Ok(())
    }

    /// The rest of a number whose first byte was consumed.
    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        self.at -= 1;
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let integer_start = self.at;
        let leading_zero = self.peek() == Some(b'0');
        self.digits()?;
        if leading_zero && self.at - integer_start > 1 {
            return Err(JsonError::Syntax);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.text.get(start..self.at);
        text.map(Value::Number).ok_or(JsonError::Syntax)
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    fn literal(&mut self, rest: &[u8], value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if !self.text.as_bytes()[self.at..].starts_with(rest) {
            return Err(JsonError::Syntax);
        }
        self.at += rest.len();
        Ok(value)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.next() == Some(byte) {
            Ok(())
        } else {
            Err(JsonError::Syntax)
        }
    }

    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(bytes: &[u8]) -> Result<(), JsonError> {
        let mut scanner = Scanner::new(bytes);
        scanner.value(0)?;
        scanner.end()
    }

    /// What `serde_json` says; `None` where it only lacks a type for a number that JSON allows.
    fn oracle(bytes: &[u8]) -> Option<bool> {
        match serde_json::from_slice::<serde_json::Value>(bytes) {
            Err(error) if error.to_string().starts_with("number out of range") => None,
            parsed => Some(parsed.is_ok()),
        }
    }

    /// JSON-like text: pieces that are wrong as often as right where they stand.
    fn json_like() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\x\"",
            "\"é\"",
            "\"",
            "\\",
            "0",
            "-0",
            "01",
            "1.5",
            "1.",
            "-",
            "1e9",
            "1E+2",
            "2e",
            "true",
            "false",
            "null",
            "nul",
            " ",
            "\n",
            "\u{1}",
            "\"\u{7f}\"",
            "\"k\":1",
            "[1,2]",
            "{\"a\":{}}",
        ]);
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn accepts_what_serde_json_accepts(text in json_like()) {
            let oracle = oracle(&text);
            prop_assume!(oracle.is_some());
            prop_assert_eq!(Some(accepts(&text).is_ok()), oracle, "{}", String::from_utf8_lossy(&text));
        }

        #[test]
        fn agrees_with_serde_json_on_damaged_documents(cut in 0_usize..90, byte: u8, at in 0_usize..90) {
            let mut text = br#"{"a":[1,-2.5e3,{"b":"\u00e9\n"}],"c":"\ud83d\ude00","d":null,"e":true,"f":{"g":[]}}"#.to_vec();
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            text.truncate(cut);
            let oracle = oracle(&text);
            prop_assume!(oracle.is_some());
            prop_assert_eq!(Some(accepts(&text).is_ok()), oracle, "{}", String::from_utf8_lossy(&text));
        }

        #[test]
        fn decodes_strings_as_serde_json_does(text in any::<String>(), escape_all: bool) {
            let json = if escape_all {
                let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
                format!("\"{units}\"")
            } else {
                serde_json::to_string(&text).expect("a string is JSON")
            };
            match Scanner::new(json.as_bytes()).value(0) {
                Ok(Value::String(found)) => prop_assert_eq!(found.decode(), text),
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let oracle = oracle(&bytes);
            prop_assume!(oracle.is_some());
            prop_assert_eq!(Some(accepts(&bytes).is_ok()), oracle);
        }
    }

    #[test]
    fn depth_is_bounded_like_serde_json() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        for depth in [1, 126, 127] {
            assert_eq!(accepts(&nested(depth)), Ok(()), "{depth}");
            assert!(serde_json::from_slice::<serde_json::Value>(&nested(depth)).is_ok());
        }
        for depth in [128, 129, 1_000_000] {
            assert_eq!(accepts(&nested(depth)), Err(JsonError::TooDeep), "{depth}");
        }
    }
}
