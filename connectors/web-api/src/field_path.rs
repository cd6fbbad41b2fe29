//! Paths of fields, such as `match.id`, and their values in records.

use model::json::{JsonError, Scanner, Value};

/// The names of the fields that lead to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath(Vec<String>);

/// The value of a field, and the bytes of the record that contain it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found<'r> {
    pub(crate) value: Value<'r>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl FieldPath {
    /// Parses names that are joined by `.`.
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }

    /// Returns the field's value; `None` if the record lacks the field, or is not an object. Of several fields with
    /// the same name, the last one counts, as for all readers.
    pub(crate) fn find<'r>(&self, record: &'r [u8]) -> Option<Found<'r>> {
        let mut scanner = Scanner::new(record);
        let found = scanner
            .enter_object()
            .then(|| find(&mut scanner, record, &self.0, 1));
        found?.ok()?
    }
}

/// Reads an object that has been entered to its end, and returns the value at the path.
fn find<'r>(
    scanner: &mut Scanner<'r>,
    record: &'r [u8],
    path: &[String],
    depth: u32,
) -> Result<Option<Found<'r>>, JsonError> {
    let Some((name, rest)) = path.split_first() else {
        return Ok(None);
    };
    let (mut found, mut first) = (None, true);
    while let Some(key) = scanner.key(first)? {
        first = false;
        if !key.is(name) {
            scanner.value(depth)?;
        } else if rest.is_empty() {
            let after_colon = scanner.position();
            let value = scanner.value(depth)?;
            let space = record[after_colon..]
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace());
            found = Some(Found {
                value,
                start: after_colon + space.count(),
                end: scanner.position(),
            });
        } else if scanner.enter_object() {
            found = find(scanner, record, rest, depth + 1)?;
        } else {
            scanner.value(depth)?;
            found = None;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_field_with_the_name_counts() {
        let found = |path: &str, record: &str| {
            let found = FieldPath::parse(path).find(record.as_bytes());
            found.map(|found| record[found.start..found.end].to_owned())
        };
        for (path, record, expected) in [
            ("a", r#"{"a": 1 , "b":2}"#, Some("1")),
            ("a", r#"{"a":1,"\u0061":"x"}"#, Some("\"x\"")),
            (
                "a.b",
                r#"{"b":0,"a":{"c":[{"b":1}],"b":{"b":3}}}"#,
                Some(r#"{"b":3}"#),
            ),
            ("a.b", r#"{"a":{"b":1},"a":{"b":2}}"#, Some("2")),
            ("a.b", r#"{"a":{"b":1},"a":{}}"#, None),
            ("a.b", r#"{"a":{"b":1},"a":null}"#, None),
            ("a.b", r#"{"a":[{"b":1}]}"#, None),
            ("a.b", r#"{"a.b":1}"#, None),
            ("a", "[1]", None),
            ("a", r#"{"a":1"#, None),
        ] {
            assert_eq!(
                found(path, record).as_deref(),
                expected,
                "{path} in {record}"
            );
        }
    }
}
