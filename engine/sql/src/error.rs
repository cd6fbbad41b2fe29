//! Errors in a query, with the position and a suggestion.

use sqlparser::tokenizer::{Location, Span};

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SqlError {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What was found, and what is expected.
    pub message: String,
}

impl SqlError {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        let Location { line, column } = span.start;
        Self {
            // Parts that the parser adds have no place.
            line: line.max(1),
            column: column.max(1),
            message: message.into(),
        }
    }
}

/// Returns `did you mean …?` if a known name is similar, otherwise a list of all.
pub fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    /// From this similarity on, of at most 1, a name is probably a spelling mistake.
    const SIMILAR: f64 = 0.8;
    let mut known: Vec<&str> = known.collect();
    let similarity =
        |other: &str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    let best = known
        .iter()
        .max_by(|left, right| similarity(left).total_cmp(&similarity(right)));
    match best {
        Some(best) if similarity(best) >= SIMILAR => format!("did you mean `{best}`?"),
        None => "there are none".to_owned(),
        _ => {
            known.sort_unstable();
            format!("expected one of: {}", known.join(", "))
        }
    }
}
