//! What the parser accepts: the parts of DuckDB's syntax that the language has.

use std::any::TypeId;

use sqlparser::dialect::{Dialect, DuckDbDialect};

#[derive(Debug)]
pub(super) struct Language;

impl Dialect for Language {
    /// Makes `//` an operator.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
    }

    fn is_identifier_start(&self, character: char) -> bool {
        character.is_alphabetic() || character == '_'
    }

    fn is_identifier_part(&self, character: char) -> bool {
        character.is_alphanumeric() || character == '_'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }
}
