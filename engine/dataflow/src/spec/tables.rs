//! The tables of the dataflow file, and the columns that sources and tables declare.

use std::collections::BTreeMap;

use serde::Deserialize;
use sql::{Column, ColumnError, ColumnSpec};

use super::SpecError;

/// A table: the latest record by key of a topic with one partition.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// The column of the key.
    pub key: String,
    /// The columns by name. Fields without a column are ignored.
    pub columns: BTreeMap<String, ColumnSpec>,
}

impl TableSpec {
    /// Returns the table as queries see it.
    pub(super) fn query_table(&self, name: &str) -> Result<sql::Table, SpecError> {
        let columns = columns("tables", name, &self.columns)?;
        sql::Table::new(name, &self.key, columns).map_err(|expected| SpecError::Invalid {
            place: format!("tables.{name}.key"),
            value: self.key.clone(),
            expected,
        })
    }
}

/// Returns the columns that an entry of a section declares.
pub(super) fn columns(
    section: &str,
    name: &str,
    declared: &BTreeMap<String, ColumnSpec>,
) -> Result<Vec<Column>, SpecError> {
    let columns = declared.iter().map(|(column, spec)| {
        spec.column(column).map_err(|error: ColumnError| {
            let setting = error
                .setting
                .map_or(String::new(), |setting| format!(".{setting}"));
            SpecError::Invalid {
                place: format!("{section}.{name}.columns.{column}{setting}"),
                value: error.value,
                expected: error.expected,
            }
        })
    });
    columns.collect()
}
