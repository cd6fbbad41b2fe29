//! A declared table: the latest record by key of a topic.

use model::{Reason, Rejection};
use serde::{Deserialize, Serialize};

use crate::key;
use crate::read::Reader;
use crate::source::{Column, Path, Source};
use crate::types::SqlType;
use crate::value::Value;

/// What the records of a table contain. A record replaces the earlier ones with the same key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The records' declaration, without an event time.
    records: Source,
    /// The number of the key column.
    key: usize,
}

impl Table {
    /// Creates a table. `key` is the name or the path of the key column, which becomes required.
    pub fn new(name: &str, key: &str, mut columns: Vec<Column>) -> Result<Self, String> {
        if let Some(list) = columns.iter().find(|column| column.is_list()) {
            return Err(format!(
                "the column `{}` is a list; a table has no lists",
                list.name
            ));
        }
        let is_key = |column: &Column| {
            column.name.eq_ignore_ascii_case(key)
                || Path::parse(key).is_ok_and(|path| path == column.path)
        };
        let number = columns.iter().position(is_key);
        let number = number.ok_or_else(|| "declare the column of the key".to_owned())?;
        if columns[number].ty == SqlType::Double {
            return Err(format!(
                "the column `{}` is a double, and rounded numbers are no keys",
                columns[number].name
            ));
        }
        columns[number].required = true;
        Ok(Self {
            records: Source::without_time(name, columns)?,
            key: number,
        })
    }

    /// Returns the name of the table, which is that of its topic.
    pub fn name(&self) -> &str {
        &self.records.name
    }

    /// Returns the columns.
    pub fn columns(&self) -> &[Column] {
        &self.records.columns
    }

    /// Returns the number of the key column.
    pub(crate) fn key(&self) -> usize {
        self.key
    }

    /// Returns the number of a column.
    #[cfg(feature = "planner")]
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.records.position(name)
    }
}

/// A row of a table: a value for each column.
pub(crate) type TableRow = Box<[Value<'static>]>;

/// Reads the records of a table.
pub(crate) struct TableReader {
    table: Table,
    reader: Reader,
}

impl TableReader {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            reader: Reader::new(table.records.clone()),
            table,
        }
    }

    /// Returns the key and the row of a record; no row if the record deletes the key. Such a record has an empty value,
    /// or `null`, and the key as its record key.
    pub(crate) fn read(
        &self,
        record_key: Option<&[u8]>,
        value: &[u8],
    ) -> Result<(String, Option<TableRow>), Rejection> {
        let column = &self.table.columns()[self.table.key];
        if value.is_empty() || value == b"null" {
            let reject = |reason| Rejection::new(reason, "record key");
            let text = record_key.ok_or_else(|| reject(Reason::MissingField))?;
            let text = std::str::from_utf8(text).map_err(|_| reject(Reason::WrongType))?;
            let deleted = match column.ty {
                SqlType::Text => Value::Text(text.into()),
                ty => key::value(text.to_owned(), ty),
            };
            if deleted.is_null() {
                return Err(reject(Reason::WrongType));
            }
            return Ok((key::text(deleted, column.ty).into_owned(), None));
        }
        let (cells, _) = self.reader.find(value)?;
        let row: TableRow = cells.into_iter().map(Value::into_owned).collect();
        let key = key::text(row[self.table.key].borrowed(), column.ty).into_owned();
        Ok((key, Some(row)))
    }
}
