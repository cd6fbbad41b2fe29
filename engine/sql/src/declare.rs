//! Declarations of columns, as a dataflow file contains them.

use serde::Deserialize;

use crate::source::{Column, Path, check_name};
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

/// What is wrong with the declaration of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnError {
    /// The setting at fault, or nothing if it is the column's name.
    pub setting: Option<&'static str>,
    /// The value of the setting.
    pub value: String,
    /// What is expected instead.
    pub expected: String,
}

impl ColumnError {
    fn new(setting: &'static str, value: impl ToString, expected: impl Into<String>) -> Self {
        Self {
            setting: Some(setting),
            value: value.to_string(),
            expected: expected.into(),
        }
    }
}

impl ColumnSpec {
    /// Returns the column with this name.
    pub fn column(&self, name: &str) -> Result<Column, ColumnError> {
        check_name(name).map_err(|expected| ColumnError {
            setting: None,
            value: name.to_owned(),
            expected,
        })?;
        let (ty, digits) = parse_type(&self.ty)
            .map_err(|expected| ColumnError::new("type", &self.ty, expected))?;
        self.check_range(ty)?;
        let path = self.path.as_deref().unwrap_or(name);
        let column = Column {
            name: name.to_owned(),
            path: Path::parse(path).map_err(|expected| ColumnError::new("path", path, expected))?,
            ty,
            digits,
            required: self.required,
            range: (self.min, self.max),
        };
        if column.is_list() && column.required {
            let expected = "a list cannot be required, because a missing list is an empty one";
            return Err(ColumnError::new("required", true, expected));
        }
        Ok(column)
    }

    fn check_range(&self, ty: SqlType) -> Result<(), ColumnError> {
        for (setting, limit) in [("min", self.min), ("max", self.max)] {
            if let Some(limit) = limit.filter(|_| !ty.is_numeric()) {
                return Err(ColumnError::new(setting, limit, "only numbers have limits"));
            }
            if let Some(limit) = limit.filter(|limit| !limit.is_finite()) {
                return Err(ColumnError::new(setting, limit, "expected a finite number"));
            }
        }
        match (self.min, self.max) {
            (Some(min), Some(max)) if min > max => Err(ColumnError::new(
                "max",
                max,
                format!("it must be at least `min`, {min}"),
            )),
            _ => Ok(()),
        }
    }
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
                    "expected text, bigint, double, boolean, timestamp, or \"decimal(p,s)\" (in quotes) with p digits, \
                     at most {DIGITS_MAX}, of which s are after the point"
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
    fn a_wrong_declaration_names_the_setting() {
        let refused = |spec: ColumnSpec, name: &str, setting: Option<&str>, value: &str| {
            let error = spec.column(name).expect_err("is refused");
            assert_eq!(
                (error.setting, error.value.as_str()),
                (setting, value),
                "{error:?}"
            );
        };
        for ty in [
            "string",
            "decimal(2,3)",
            "decimal(39,0)",
            "decimal",
            "decimal(0,0)",
            "",
        ] {
            refused(spec(ty), "a", Some("type"), ty);
        }
        for name in ["", "a b", "1a", "a-b", "ä", "window_start", "Rank"] {
            refused(spec("text"), name, None, name);
        }
        let limited = ColumnSpec {
            min: Some(1.5),
            ..spec("text")
        };
        refused(limited, "a", Some("min"), "1.5");
        let empty = ColumnSpec {
            min: Some(2.0),
            max: Some(1.0),
            ..spec("bigint")
        };
        refused(empty, "a", Some("max"), "1");
        for path in ["", ".", "a.", "a[0]", "[]", "a[].b[]", "$.a", "a.*.b"] {
            let placed = ColumnSpec {
                path: Some(path.to_owned()),
                ..spec("text")
            };
            refused(placed, "a", Some("path"), path);
        }
        let list = ColumnSpec {
            path: Some("a[]".to_owned()),
            required: true,
            ..spec("text")
        };
        refused(list, "a", Some("required"), "true");
    }
}
