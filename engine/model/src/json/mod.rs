//! A strict JSON (RFC 8259) pull scanner that borrows everything from the record.
//!
//! It is faster than a general deserializer, which builds values that are not needed. It also validates everything
//! that it skips; tests compare it with `serde_json`. It tolerates two mistakes of senders: it skips a byte order mark
//! before the document, and it reads half a surrogate pair in a string (`"\ud83d"`, as in a name cut in the middle of
//! an emoji) as U+FFFD.

mod scan;
mod text;

pub use scan::Scanner;
pub use text::Text;

/// U+FEFF in UTF-8. Some editors and libraries write it at the start of a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Returns the text without a byte order mark at its start.
pub fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// The limit on the nesting of arrays and objects, the same as in `serde_json`.
pub const DEPTH_MAX: u32 = 127;

/// A value in the record. The content of an array or object has been validated and skipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A string.
    String(Text<'a>),
    /// The text of a number.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An array or object.
    Nested,
}

/// Why a text is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The text violates the grammar or is not UTF-8.
    Syntax,
    /// Arrays and objects are nested deeper than [`DEPTH_MAX`].
    TooDeep,
}
