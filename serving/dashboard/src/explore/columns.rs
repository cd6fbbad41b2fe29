//! The columns of a topic: declared by its query, or else inferred from its rows.

use serde::Serialize;

use super::amount::Amount;
use super::record::{Cell, Row};
use crate::limits::{EXPLORED_COLUMNS_MAX, NAME_CHARACTERS};
use crate::options::ExploredTopic;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// All values so far are null.
    Unknown,
    Boolean,
    Bigint,
    Double,
    /// Texts that are numbers with a point, such as `12.50`.
    Decimal,
    Text,
    Timestamp,
    /// A list, an object that is nested deep, or values of several types.
    Json,
}

impl Kind {
    fn of(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Unknown,
            Cell::Boolean(_) => Self::Boolean,
            Cell::Number(text) if text.contains(['.', 'e', 'E']) => Self::Double,
            Cell::Number(_) => Self::Bigint,
            Cell::Json(_) => Self::Json,
            Cell::Text(text) if is_time(text) => Self::Timestamp,
            Cell::Text(text) if text.contains('.') && Amount::parse(text).is_some() => {
                Self::Decimal
            }
            Cell::Text(_) => Self::Text,
        }
    }

    /// Returns the type of a column with values of both types.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (same, other) if same == other => same,
            (Self::Unknown, kind) | (kind, Self::Unknown) => kind,
            (Self::Bigint | Self::Double, Self::Bigint | Self::Double) => Self::Double,
            (Self::Text | Self::Timestamp | Self::Decimal, Self::Text | Self::Timestamp)
            | (Self::Text | Self::Timestamp, Self::Decimal) => Self::Text,
            _ => Self::Json,
        }
    }

    /// Returns the type of an SQL column.
    fn of_sql(name: &str) -> Self {
        match name.split('(').next().unwrap_or(name) {
            "BOOLEAN" => Self::Boolean,
            "BIGINT" | "HUGEINT" => Self::Bigint,
            "DOUBLE" => Self::Double,
            "DECIMAL" => Self::Decimal,
            "TEXT" => Self::Text,
            "TIMESTAMP" => Self::Timestamp,
            _ => Self::Unknown,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Bigint | Self::Double | Self::Decimal)
    }
}

/// A column as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The declared or inferred type, for people.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Whether it can be plotted.
    pub(crate) is_measure: bool,
    /// Whether the rows of a chart can be split by it.
    pub(crate) is_key: bool,
    /// Whether the sum of its values over several keys has a meaning.
    pub(crate) is_additive: bool,
}

/// The columns that rows have contained so far.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    seen: Vec<(String, Kind)>,
    /// Whether a column is missing because there were too many.
    pub(crate) incomplete: bool,
}

impl Columns {
    /// Adds the columns of a row.
    pub(crate) fn note(&mut self, row: &Row<'_>) {
        for (name, cell) in &row.cells {
            let kind = Kind::of(cell);
            let known = self.seen.iter().position(|(known, _)| known == name);
            match known {
                Some(known) => self.seen[known].1 = self.seen[known].1.with(kind),
                None if self.seen.len() < EXPLORED_COLUMNS_MAX
                    && name.chars().count() <= NAME_CHARACTERS =>
                {
                    self.seen.push((name.clone(), kind));
                }
                None => self.incomplete = true,
            }
        }
    }

    /// Returns the columns of a topic: the declared ones, and then those that only rows contain.
    pub(crate) fn of(&self, topic: &ExploredTopic) -> Vec<Column> {
        let declared = topic.columns.iter().map(|column| {
            let kind = Kind::of_sql(&column.kind);
            Column {
                kind: column.kind.to_lowercase(),
                is_additive: column.is_additive,
                ..shown(&column.name, kind)
            }
        });
        let is_declared = |name: &str| topic.columns.iter().any(|column| column.name == name);
        let inferred = self.seen.iter().filter(|(name, _)| !is_declared(name));
        let inferred = inferred.map(|(name, kind)| Column {
            is_additive: topic.additive.contains(name),
            ..shown(name, *kind)
        });
        declared.chain(inferred).collect()
    }
}

fn shown(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind: format!("{kind:?}").to_lowercase(),
        is_measure: kind.is_number(),
        is_key: matches!(kind, Kind::Text | Kind::Boolean | Kind::Bigint),
        is_additive: false,
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= "2026-01-01T00:00:00".len()
        && text.as_bytes()[4] == b'-'
        && model::Timestamp::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_inferred_from_all_rows() {
        let window = r#""window_start":"2026-01-01T00:00:00Z","window_end":"2026-01-01T00:00:10Z""#;
        let rows = [
            r#""i":1,"d":2,"m":"1.50","t":"x","w":"2026-01-01T00:00:00Z","l":[],"u":null,"b":true,"v":"1.5","j":1"#,
            r#""i":-2,"d":2.5,"m":null,"t":"y","w":null,"l":[],"u":null,"b":false,"v":"7","j":"a","z":1"#,
        ];
        let mut columns = Columns::default();
        for row in rows {
            let json = format!("{{{window},{row},\"revision\":0}}");
            columns.note(&Row::read(json.as_bytes()).unwrap());
        }
        let found: Vec<_> = columns
            .seen
            .iter()
            .map(|(name, kind)| format!("{name} {kind:?}"))
            .collect();
        assert_eq!(
            found.join(", "),
            "i Bigint, d Double, m Decimal, t Text, w Timestamp, l Json, u Unknown, b Boolean, v Text, j Json, z Bigint"
        );
    }

    #[test]
    fn the_number_of_columns_is_limited() {
        let fields = (0..2 * EXPLORED_COLUMNS_MAX).map(|index| format!("\"c{index}\":1,"));
        let json = format!(
            "{{{}\"window_start\":\"2026-01-01T00:00:00Z\",\"window_end\":\"2026-01-01T00:00:10Z\",\"revision\":0}}",
            fields.collect::<String>()
        );
        let mut columns = Columns::default();
        columns.note(&Row::read(json.as_bytes()).unwrap());
        assert_eq!(columns.seen.len(), EXPLORED_COLUMNS_MAX);
        assert!(columns.incomplete);
    }
}
