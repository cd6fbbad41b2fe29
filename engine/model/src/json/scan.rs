//! The scanner: after a check for UTF-8, it makes one pass over the bytes, without allocation or recursion.

use super::text::unicode_escape;
use super::{DEPTH_MAX, JsonError, Text, Value, without_byte_order_mark};
use crate::words;

/// A cursor over one JSON document.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    /// The longest prefix of `bytes` that is UTF-8, determined once for all strings. Nothing is read beyond it, so
    /// a document that is not UTF-8 looks like one that ends too early.
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Creates a scanner at the start of `bytes`, after a byte order mark if there is one.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let at = bytes.len() - without_byte_order_mark(bytes).len();
        Self { bytes, text, at }
    }

    /// Enters an object. Returns `true` if an object begins here; otherwise consumes nothing.
    #[inline]
    pub fn enter_object(&mut self) -> bool {
        self.enter(b'{')
    }

    /// Enters an array. Returns `true` if an array begins here; otherwise consumes nothing.
    #[inline]
    pub fn enter_array(&mut self) -> bool {
        self.enter(b'[')
    }

    #[inline]
    fn enter(&mut self, bracket: u8) -> bool {
        self.skip_space();
        let begins = self.peek() == Some(bracket);
        self.at += usize::from(begins);
        begins
    }

    /// Moves to the next element of the array entered last. `first` must be true for the array's first element. Returns
    /// `false` at the end of the array.
    #[inline]
    pub fn element(&mut self, first: bool) -> Result<bool, JsonError> {
        self.enter_element(false, first)
    }

    /// Reads the next key of the object entered last and moves to its value. `first` must be true for the object's
    /// first key. Returns `None` at the end of the object.
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

    /// Reads the value at the cursor. An array or object is validated and skipped. `depth` is the number of objects
    /// that enclose the value.
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

    /// Skips exactly these bytes. Returns `false`, and skips nothing, if the document continues differently.
    #[inline]
    pub(crate) fn skip(&mut self, bytes: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.get(..bytes.len());
        let is_found = found.is_some_and(|found| words::equal(found, bytes));
        self.at += if is_found { bytes.len() } else { 0 };
        is_found
    }

    /// Reads the rest of a string whose opening quote has been consumed, and stops before its closing quote.
    /// Returns `None` if the string has escapes or is invalid.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<Text<'a>> {
        let end = words::find_special(self.text.as_bytes(), self.at)?;
        let raw = self.text.get(self.at..end)?;
        self.at = end;
        (self.peek() == Some(b'"')).then(|| Text::new(raw, false))
    }

    /// Returns the number of bytes that have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Returns whether all bytes have been read.
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

    /// Skips the rest of an array or object whose opening bracket has been consumed. The kinds of the open brackets
    /// are stored as bits of one number. There is no recursion, so no input can exhaust the stack.
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

    /// Moves to the next element of the innermost array or object. Returns `false` at its end.
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

    /// Reads the rest of a string whose opening quote has been consumed.
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

    /// Reads the rest of a number whose first byte has been consumed.
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

    /// Reads one or more digits.
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

    /// Skips white space.
    #[inline]
    pub fn skip_space(&mut self) {
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
mod tests;
