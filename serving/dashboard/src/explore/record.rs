//! Reads a derived record: its window, its revision, and its fields with their exact text.

use std::borrow::Cow;
use std::fmt;

use model::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

/// Objects in objects are shown as columns up to this depth, and deeper ones as JSON.
const DEPTH_MAX: usize = 3;

/// The reason why a record is not a derived record.
#[derive(Debug, Error)]
pub(crate) enum Unreadable {
    #[error("not a JSON object: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("its `{0}` is missing or not a time")]
    Window(&'static str),
    #[error("its `revision` is missing or not a number")]
    Revision,
    #[error("it has {0} bytes, which exceeds the limit")]
    Large(usize),
    #[error("its window ends far in the future")]
    Future,
}

/// A value, with the text that the record contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'r> {
    Null,
    Boolean(bool),
    /// The digits of a number, unchanged.
    Number(&'r str),
    Text(Cow<'r, str>),
    /// A list, or an object that is nested too deep to become columns.
    Json(&'r str),
}

impl Cell<'_> {
    /// Returns the text that is shown; `None` for null.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Null => None,
            Self::Boolean(true) => Some("true"),
            Self::Boolean(false) => Some("false"),
            Self::Number(text) | Self::Json(text) => Some(text),
            Self::Text(text) => Some(text),
        }
    }
}

/// A derived record.
#[derive(Debug)]
pub(crate) struct Row<'r> {
    /// The start and the end of the window, in milliseconds since 1970.
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) revision: u64,
    pub(crate) withdrawn: bool,
    /// The other fields, in their order. The fields of an object have its name and their own, joined by a point.
    pub(crate) cells: Vec<(String, Cell<'r>)>,
}

impl<'r> Row<'r> {
    pub(crate) fn read(value: &'r [u8]) -> Result<Self, Unreadable> {
        let fields: Pairs<'r> = serde_json::from_slice(value)?;
        let (mut start, mut end, mut revision, mut withdrawn) = (None, None, None, false);
        let mut cells = Vec::with_capacity(fields.0.len());
        for (name, value) in fields.0 {
            match name.as_str() {
                "window_start" => start = time(value),
                "window_end" => end = time(value),
                "revision" => revision = value.get().parse().ok(),
                "withdrawn" => withdrawn = value.get() == "true",
                _ => push(&mut cells, name, value.get(), DEPTH_MAX),
            }
        }
        Ok(Self {
            start: start.ok_or(Unreadable::Window("window_start"))?,
            end: end.ok_or(Unreadable::Window("window_end"))?,
            revision: revision.ok_or(Unreadable::Revision)?,
            withdrawn,
            cells,
        })
    }

    pub(crate) fn cell(&self, column: &str) -> Option<&Cell<'r>> {
        let mut cells = self.cells.iter();
        cells.find(|(name, _)| name == column).map(|(_, cell)| cell)
    }

    /// Returns the text of a column; `None` if it is null or missing.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.cell(column).and_then(Cell::text)
    }
}

fn time(value: &RawValue) -> Option<i64> {
    let text: Cow<'_, str> = serde_json::from_str(value.get()).ok()?;
    Timestamp::parse(&text).map(Timestamp::as_millis)
}

fn push<'r>(cells: &mut Vec<(String, Cell<'r>)>, name: String, raw: &'r str, depth: usize) {
    let cell = match raw.as_bytes().first() {
        Some(b'{') if depth > 0 => {
            if let Ok(fields) = serde_json::from_str::<Pairs<'r>>(raw) {
                for (field, value) in fields.0 {
                    push(cells, format!("{name}.{field}"), value.get(), depth - 1);
                }
            }
            return;
        }
        Some(b'"') => serde_json::from_str(raw).map_or(Cell::Json(raw), Cell::Text),
        Some(b't' | b'f') => Cell::Boolean(raw == "true"),
        Some(b'n') => Cell::Null,
        Some(b'-' | b'0'..=b'9') => Cell::Number(raw),
        _ => Cell::Json(raw),
    };
    cells.push((name, cell));
}

/// The fields of an object, in their order.
struct Pairs<'r>(Vec<(String, &'r RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: &str =
        r#""window_start":"2026-01-01T00:00:00.000Z","window_end":"2026-01-01T00:00:10.000Z""#;

    #[test]
    fn fields_keep_their_text_and_objects_become_columns() {
        let json = format!(
            r#"{{{WINDOW},"n":12345678901234567890123,"d":"12.50","cpu":{{"mean":1.50,"by":{{"a":1}}}},"l":[1, 2],
                "t":"a\"b","x":null,"revision":3}}"#
        );
        let row = Row::read(json.as_bytes()).unwrap();
        assert_eq!((row.end - row.start, row.revision), (10_000, 3));
        let shown = |name| row.text(name);
        assert_eq!(shown("n"), Some("12345678901234567890123"));
        assert_eq!(shown("d"), Some("12.50"));
        assert_eq!(shown("cpu.mean"), Some("1.50"));
        assert_eq!(shown("cpu.by.a"), Some("1"));
        assert_eq!(shown("l"), Some("[1, 2]"));
        assert_eq!(shown("t"), Some("a\"b"));
        assert_eq!((row.cell("x"), shown("x")), (Some(&Cell::Null), None));
    }

    #[test]
    fn a_record_of_another_form_is_unreadable() {
        let message = |text: &str| Row::read(text.as_bytes()).unwrap_err().to_string();
        assert!(message("no JSON").starts_with("not a JSON object"));
        assert!(message("[1]").starts_with("not a JSON object"));
        assert!(message(r#"{"revision":0}"#).contains("`window_start`"));
        assert!(message(&format!("{{{WINDOW}}}")).contains("`revision`"));
    }
}
