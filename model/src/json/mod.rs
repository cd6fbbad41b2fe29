//! A strict JSON (RFC 8259) pull scanner that borrows everything from the record.
//!
//! It exists for speed inside WASM, where a field scanner is several times faster than a general
//! deserializer. It validates all that it passes over, so a record it accepts is JSON to every
//! other parser too; tests hold it against `serde_json`. Where an object names a field twice, the
//! last one counts.

mod scan;
mod text;

pub use scan::Scanner;
pub use text::Text;

/// How deep arrays and objects may nest; the same limit as `serde_json`'s.
pub const DEPTH_MAX: u32 = 127;

/// A value as it stands in the record; what is inside an array or object was validated and skipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A string.
    String(Text<'a>),
    /// A number, as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An array or an object.
    Nested,
}

/// Why a text is no JSON that can be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It breaks the grammar, or a string is not UTF-8.
    Syntax,
    /// It nests deeper than [`DEPTH_MAX`].
    TooDeep,
}
