//! Durations: `INTERVAL '10' SECOND`, `INTERVAL '10 seconds'`, or `'10 seconds'`.

use sqlparser::ast::{Expr as Ast, Interval, Spanned, Value as Token};

use crate::error::SqlError;

/// The longest window: a year.
const LONGEST_MS: i64 = 366 * 86_400_000;

/// Returns the duration in milliseconds.
pub(super) fn duration_ms(ast: &Ast) -> Result<i64, SqlError> {
    let expected = |found: &str| {
        let message =
            format!("`{found}` is not a duration; expected one such as INTERVAL '10' SECOND");
        SqlError::at(ast.span(), message)
    };
    let text = match ast {
        Ast::Interval(Interval {
            value,
            leading_field,
            last_field: None,
            ..
        }) => {
            let unit = leading_field
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            format!(
                "{} {}",
                literal(value).ok_or_else(|| expected(&ast.to_string()))?,
                unit.to_lowercase()
            )
        }
        other => literal(other).ok_or_else(|| expected(&other.to_string()))?,
    };
    if text
        .split(|character: char| !character.is_alphabetic())
        .any(is_calendar_unit)
    {
        let message = "months and years have no fixed length; use days";
        return Err(SqlError::at(ast.span(), message));
    }
    let duration = humantime::parse_duration(&text.trim().to_lowercase())
        .map_err(|_| expected(text.trim()))?;
    let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    if ms == 0 || duration.subsec_nanos() % 1_000_000 != 0 || ms > LONGEST_MS {
        let message = format!(
            "`{}` must be between 1 ms and 366 days, in whole milliseconds",
            text.trim()
        );
        return Err(SqlError::at(ast.span(), message));
    }
    Ok(ms)
}

fn is_calendar_unit(word: &str) -> bool {
    word == "M" || word.starts_with("mon") || word.starts_with('y')
}

fn literal(ast: &Ast) -> Option<String> {
    match ast {
        Ast::Value(value) => match &value.value {
            Token::SingleQuotedString(text) | Token::Number(text, _) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}
