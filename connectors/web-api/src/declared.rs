//! The records of a declared source: the check of their columns, and their record keys.

use bytes::Bytes;
use model::event::limits::ID_BYTES_MAX;
use model::json::Value;
use model::{Reason, Rejection};

use crate::field_path::FieldPath;

/// Checks the records of a source without a built-in event type.
#[derive(Debug)]
pub(crate) struct Declared {
    reader: sql::Reader,
    key: KeyField,
}

/// The field that contains the record key.
#[derive(Debug)]
pub(crate) struct KeyField {
    /// The column's name, or the path if there is no column for it.
    pub(crate) name: String,
    pub(crate) path: FieldPath,
    /// The path as text.
    pub(crate) path_text: String,
}

impl KeyField {
    /// Finds the field from the setting `key` of a source, which is the name of a column or a path. An error says what
    /// is expected.
    pub(crate) fn new(key: &str, source: &sql::Source) -> Result<Self, String> {
        let is_named = |column: &&sql::Column| column.name.eq_ignore_ascii_case(key);
        let path = sql::Path::parse(key);
        let has_path = |column: &&sql::Column| Ok(&column.path) == path.as_ref();
        let columns = &source.columns;
        let column = columns.iter().find(is_named);
        let column = column.or_else(|| columns.iter().find(has_path));
        let (name, path) = match column {
            Some(column) if column.ty == sql::SqlType::Boolean => {
                return Err("the record key must be a text or a number".to_owned());
            }
            Some(column) => (column.name.clone(), column.path.clone()),
            None => (key.to_owned(), path?),
        };
        if path.is_list() {
            return Err("the path goes through an array; a record has one key".to_owned());
        }
        let path_text = path.to_string();
        Ok(Self {
            name,
            path: FieldPath::parse(&path_text),
            path_text,
        })
    }

    /// Returns the record key: a string of 1 to [`ID_BYTES_MAX`] bytes, or a number as it is written.
    fn of(&self, record: &[u8]) -> Result<Bytes, Rejection> {
        let refuse = |reason| Rejection::new(reason, self.name.clone());
        let found = self.path.find(record).map(|found| found.value);
        let key = match found {
            None | Some(Value::Null) => return Err(refuse(Reason::MissingField)),
            Some(Value::String(text)) => text.decode(),
            Some(Value::Number(text)) => text.into(),
            Some(Value::Bool(_) | Value::Nested) => return Err(refuse(Reason::WrongType)),
        };
        match key.len() {
            0 => Err(refuse(Reason::OutOfRange)),
            1..=ID_BYTES_MAX => Ok(Bytes::copy_from_slice(key.as_bytes())),
            _ => Err(refuse(Reason::TooLarge)),
        }
    }
}

impl Declared {
    pub(crate) fn new(source: sql::Source, key: KeyField) -> Self {
        Self {
            reader: sql::Reader::new(source),
            key,
        }
    }

    pub(crate) fn columns(&self) -> &[sql::Column] {
        &self.reader.source().columns
    }

    pub(crate) fn key(&self) -> &KeyField {
        &self.key
    }

    /// Checks a record, and returns its key.
    pub(crate) fn check(&self, record: &[u8]) -> Result<Bytes, Rejection> {
        self.reader.read(record)?;
        self.key.of(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql::{Column, SqlType};

    fn declared(key: &str) -> Result<Declared, String> {
        let columns = vec![
            Column::new("player", "user.id", SqlType::Text)?,
            Column::new("score", "score", SqlType::Bigint)?,
            Column::new("won", "won", SqlType::Boolean)?,
            Column::new("heroes", "teams[].hero", SqlType::Text)?,
        ];
        let source = sql::Source::new("s", key, "at", columns)?;
        let key = KeyField::new(key, &source)?;
        Ok(Declared::new(source, key))
    }

    #[test]
    fn the_key_is_a_column_or_a_path() {
        let record = concat!(
            r#"{"at":"2026-11-30T10:00:00Z","user":{"id":"u\u0031"},"score":12.0,"other":{"n":-7},"#,
            r#""empty":"","list":[1],"none":null}"#,
        );
        let of = |key: &str| declared(key).unwrap().check(record.as_bytes());
        for (key, expected) in [
            ("player", "u1"),
            ("PLAYER", "u1"),
            ("user.id", "u1"),
            ("score", "12.0"),
            ("other.n", "-7"),
            ("at", "2026-11-30T10:00:00Z"),
        ] {
            assert_eq!(of(key), Ok(Bytes::from(expected)), "{key}");
        }
        for (key, reason) in [
            ("absent", Reason::MissingField),
            ("other.absent", Reason::MissingField),
            ("score.n", Reason::MissingField),
            ("none", Reason::MissingField),
            ("empty", Reason::OutOfRange),
            ("list", Reason::WrongType),
            ("other", Reason::WrongType),
        ] {
            assert_eq!(of(key), Err(Rejection::new(reason, key)), "{key}");
        }
    }

    #[test]
    fn a_missing_key_is_named_by_its_column() {
        let of = |record: &str| declared("user.id").unwrap().check(record.as_bytes());
        let missing = of(r#"{"at":"2026-11-30T10:00:00Z"}"#);
        assert_eq!(missing, Err(Rejection::new(Reason::MissingField, "player")));
        let long = "x".repeat(ID_BYTES_MAX + 1);
        let long = of(&format!(
            r#"{{"at":"2026-11-30T10:00:00Z","user":{{"id":"{long}"}}}}"#
        ));
        assert_eq!(long, Err(Rejection::new(Reason::TooLarge, "player")));
    }

    #[test]
    fn the_columns_are_checked_before_the_key() {
        let wrong = declared("player").unwrap().check(br#"{"at":"today"}"#);
        assert_eq!(wrong, Err(Rejection::new(Reason::InvalidTimestamp, "at")));
    }

    #[test]
    fn lists_booleans_and_malformed_paths_are_no_keys() {
        for key in ["heroes", "teams[].hero", "a[]", "won", "a..b", ""] {
            assert!(declared(key).is_err(), "{key}");
        }
    }
}
