//! Declarations of columns, as a dataflow file contains them.

use serde::Deserialize;

use crate::source::{Column, Path};
use crate::types::{DIGITS_MAX, SqlType};

/// The declaration of a column. Only the type is required.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// The place in the record; by default, the field with the column's name.
    #[serde(default)]
    pub path: Option<String>,
    /// The type, such as `text` or `decimal(18,2)`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether a record without the value is rejected.
    #[serde(default)]
    pub required: bool,
    /// The least number that is accepted.
    #[serde(default)]
    pub min: Option<f64>,
    /// The greatest number that is accepted.
    #[serde(default)]
    pub max: Option<f64>,
}

impl ColumnSpec {
    /// Returns the column with this name, or what is wrong with the declaration.
    pub fn column(&self, name: &str) -> Result<Column, String> {
        check_name(name)?;
        let (ty, digits) = parse_type(&self.ty)?;
        if (self.min.is_some() || self.max.is_some()) && !ty.is_numeric() {
            return Err("`min` and `max` are only possible for numbers".to_owned());
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(format!("`min` is {min}, which is more than `max`, {max}"));
        }
        let column = Column {
            name: name.to_owned(),
            path: Path::parse(self.path.as_deref().unwrap_or(name))?,
            ty,
            digits,
            required: self.required,
            range: (self.min, self.max),
        };
        if column.is_list() && column.required {
            return Err("a list column cannot be required: a missing list is empty".to_owned());
        }
        Ok(column)
    }
}

fn check_name(name: &str) -> Result<(), String> {
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

/// Returns the type and its largest number of digits.
fn parse_type(text: &str) -> Result<(SqlType, u8), String> {
    let compact: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    let ty = match compact.to_ascii_lowercase().as_str() {
        "text" => SqlType::Text,
        "bigint" => SqlType::Bigint,
        "double" => SqlType::Double,
        "boolean" => SqlType::Boolean,
        "timestamp" => SqlType::Timestamp,
        other => {
            return parse_decimal(other).ok_or_else(|| {
                format!(
                    "unknown type `{text}`; expected text, bigint, double, boolean, timestamp, or decimal(p,s) with \
                     1 to {DIGITS_MAX} digits, of which s are after the point"
                )
            });
        }
    };
    Ok((ty, DIGITS_MAX))
}

fn parse_decimal(text: &str) -> Option<(SqlType, u8)> {
    let numbers = text.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (digits, scale) = numbers.split_once(',')?;
    let (digits, scale): (u8, u8) = (digits.parse().ok()?, scale.parse().ok()?);
    let is_valid = (1..=DIGITS_MAX).contains(&digits) && scale <= digits;
    is_valid.then_some((SqlType::Decimal(scale), digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(ty: &str) -> ColumnSpec {
        ColumnSpec {
            path: None,
            ty: ty.to_owned(),
            required: false,
            min: None,
            max: None,
        }
    }

    #[test]
    fn a_type_can_be_written_with_spaces_and_in_capitals() {
        let column = spec("DECIMAL( 18, 2 )").column("price").expect("a column");
        assert_eq!((column.ty, column.digits), (SqlType::Decimal(2), 18));
    }

    #[test]
    fn a_wrong_declaration_is_explained() {
        let error = |spec: ColumnSpec, name: &str| spec.column(name).expect_err("is refused");
        for ty in [
            "string",
            "decimal(2,3)",
            "decimal(39,0)",
            "decimal",
            "decimal(0,0)",
            "",
        ] {
            assert!(error(spec(ty), "a").contains(&format!("`{ty}`")), "{ty}");
        }
        for name in ["", "a b", "1a", "a-b", "ä"] {
            assert!(
                error(spec("text"), name).contains("letters, digits"),
                "{name}"
            );
        }
        let limited = ColumnSpec {
            min: Some(1.0),
            ..spec("text")
        };
        assert!(error(limited, "a").contains("only possible for numbers"));
        let empty = ColumnSpec {
            min: Some(2.0),
            max: Some(1.0),
            ..spec("bigint")
        };
        assert!(error(empty, "a").contains("more than `max`"));
        for path in ["", ".", "a.", "a[0]", "[]", "a[].b[]"] {
            let placed = ColumnSpec {
                path: Some(path.to_owned()),
                ..spec("text")
            };
            assert!(error(placed, "a").contains(&format!("`{path}`")), "{path}");
        }
    }
}
