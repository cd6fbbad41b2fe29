//! A declared source: the columns of its records, and where each is in the JSON.

use std::fmt;

use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::types::{DIGITS_MAX, SqlType};
use crate::value::Value;

/// What the records of a source contain. Fields that are not declared are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The name of the source, which is that of its topic.
    pub name: String,
    /// The column of the event time; empty if the records have none.
    pub event_time: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The number of the column with the record key, if it is declared.
    pub(crate) key: Option<usize>,
}

impl Source {
    /// Creates a source whose record key is the field at the path `key`, and whose event time is at another path. If no
    /// column has the path of the event time, the field becomes a required column with the name of the path's last
    /// part.
    pub fn new(
        name: &str,
        key: &str,
        event_time: &str,
        mut columns: Vec<Column>,
    ) -> Result<Self, String> {
        let path = Path::parse(event_time)?;
        if path.is_list() {
            return Err(format!(
                "`{event_time}` goes through an array; a record has one event time"
            ));
        }
        let declared = columns.iter_mut().find(|column| column.path == path);
        let event_time = match declared {
            Some(column) if column.ty != SqlType::Timestamp || column.is_list() => {
                return Err(format!(
                    "`{event_time}` is the event time, so its column `{}` must be a timestamp",
                    column.name
                ));
            }
            Some(column) => {
                column.required = true;
                column.name.clone()
            }
            None => {
                let last = event_time.rsplit('.').next().unwrap_or(event_time);
                check_name(last).map_err(|error| {
                    format!("declare a column for `{event_time}`, because `{last}` cannot be its name: {error}")
                })?;
                let column = Column::new(last, event_time, SqlType::Timestamp)?;
                columns.push(Column {
                    required: true,
                    ..column
                });
                last.to_owned()
            }
        };
        check_distinct(&columns)?;
        Ok(Self {
            name: name.to_owned(),
            event_time,
            key: columns.iter().position(|column| is_key(column, key)),
            columns,
        })
    }

    /// Creates a declaration of records without an event time, such as those of a table.
    pub(crate) fn without_time(name: &str, columns: Vec<Column>) -> Result<Self, String> {
        check_distinct(&columns)?;
        Ok(Self {
            name: name.to_owned(),
            event_time: String::new(),
            columns,
            key: None,
        })
    }

    /// Returns the number of a column.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// Returns whether a column contains the record key, whose path or name is given.
fn is_key(column: &Column, key: &str) -> bool {
    let is_named = column.name.eq_ignore_ascii_case(key)
        || Path::parse(key).is_ok_and(|path| path == column.path);
    is_named && column.ty == SqlType::Text && !column.is_list()
}

/// A column of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name in queries.
    pub name: String,
    /// The place in the record.
    pub path: Path,
    /// The type of the value, or of each element of a list column.
    pub ty: SqlType,
    /// The largest number of digits of a decimal number.
    pub digits: u8,
    /// Whether a record without the field, or with `null` there, is rejected.
    pub required: bool,
    /// The least and the greatest number that is accepted.
    pub range: (Option<f64>, Option<f64>),
}

impl Column {
    /// Creates a column that may be missing.
    pub fn new(name: &str, path: &str, ty: SqlType) -> Result<Self, String> {
        Ok(Self {
            name: name.to_owned(),
            path: Path::parse(path)?,
            ty,
            digits: DIGITS_MAX,
            required: false,
            range: (None, None),
        })
    }

    /// Returns whether the column has a list of values.
    pub fn is_list(&self) -> bool {
        self.path.is_list()
    }
}

/// Checks the name of a column.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    /// Columns of results, which a column of a source would hide.
    const RESERVED: [&str; 3] = ["window_start", "window_end", "rank"];
    if RESERVED
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved))
    {
        return Err(
            "this is a column of results; use another name, and `path` for the field".to_owned(),
        );
    }
    let mut characters = name.chars();
    let starts = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if starts && characters.all(|other| other.is_ascii_alphanumeric() || other == '_') {
        return Ok(());
    }
    Err(
        "the name of a column consists of letters, digits and `_`, and does not begin with a digit"
            .to_owned(),
    )
}

/// Checks that no two columns have the same name, and that no column is an object or array that contains another.
fn check_distinct(columns: &[Column]) -> Result<(), String> {
    for (number, column) in columns.iter().enumerate() {
        for other in &columns[..number] {
            if column.name.eq_ignore_ascii_case(&other.name) {
                return Err(format!(
                    "two columns are named `{}`; the event time is a column too",
                    other.name
                ));
            }
            let (left, right) = (column.path.steps(), other.path.steps());
            let nested = match left.iter().zip(right).find(|(left, right)| left != right) {
                None => left.len() != right.len(),
                Some(steps) => matches!(steps, (Step::Elements, _) | (_, Step::Elements)),
            };
            if nested {
                return Err(format!(
                    "the columns `{}` and `{}` exclude each other: a value of one is an object or array for the other",
                    other.name, column.name
                ));
            }
        }
    }
    Ok(())
}

/// The place of a value in a record: names of fields, joined by `.`; after a name, `[]` goes through an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    Field(String),
    Elements,
}

impl Path {
    /// Parses a path such as `payload.items[].price`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let name = part.strip_suffix("[]").unwrap_or(part);
            if name.is_empty() || name.contains(['[', ']']) || matches!(name, "$" | "*") {
                return Err(format!(
                    "`{text}` is not a path: expected names joined by `.`, one of which may end in `[]`"
                ));
            }
            steps.push(Step::Field(name.to_owned()));
            if name.len() < part.len() {
                steps.push(Step::Elements);
            }
        }
        let path = Self(steps);
        if path
            .0
            .iter()
            .filter(|step| **step == Step::Elements)
            .count()
            > 1
        {
            return Err(format!(
                "`{text}` goes through two arrays; a column can go through one"
            ));
        }
        Ok(path)
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns whether the path goes through an array.
    pub fn is_list(&self) -> bool {
        self.0.contains(&Step::Elements)
    }
}

/// Returns the node of a name in a tree of paths; a new name gets an empty node.
pub(crate) fn child<'n, N: Default>(fields: &'n mut Vec<(String, N)>, name: &str) -> &'n mut N {
    let known = fields.iter().position(|(field, _)| field == name);
    let at = known.unwrap_or_else(|| {
        fields.push((name.to_owned(), N::default()));
        fields.len() - 1
    });
    &mut fields[at].1
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Elements => f.write_str("[]")?,
                Step::Field(name) if number == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// The values of a record.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The event time.
    pub time: Timestamp,
    /// The number of the column with the record key.
    pub(crate) sender: Option<usize>,
    /// A value for each column; NULL for a list column.
    pub(crate) cells: Vec<Value<'a>>,
    /// The elements of each list column, by column number.
    pub(crate) lists: Vec<(usize, Vec<Value<'a>>)>,
}
