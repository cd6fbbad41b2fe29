//! The expressions of a record: over the columns of the source.

use std::cell::Cell;

use sqlparser::ast::{Expr as Ast, Ident, Spanned};

use super::BOUNDS;
use super::expressions::{Binder, Bound};
use super::from::Unnest;
use crate::error::{SqlError, suggestion};
use crate::plan::Expr;
use crate::source::Source;

/// The columns of a row.
pub(super) struct Scope<'s> {
    source: &'s Source,
    unnest: Option<Unnest>,
    /// The number of bind steps. An expression that is bound twice counts twice.
    steps: Cell<u32>,
    /// How many expressions contain the one that is being bound.
    depth: Cell<u32>,
}

/// The largest number of expressions within one another, which evaluation walks by recursion.
const DEPTH_MAX: u32 = 100;
/// The largest number of steps in which a query is bound. An operand of `BETWEEN`, `CASE` or `NULLIF` is bound for each
/// comparison, so nesting these needs many.
const STEPS_MAX: u32 = 100_000;

/// A level of expressions within one another, until it is dropped.
pub(super) struct Level<'r>(&'r Cell<u32>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl<'s> Scope<'s> {
    pub(super) fn new(source: &'s Source, unnest: Option<Unnest>) -> Self {
        Self {
            source,
            unnest,
            steps: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    /// Notes that an expression is bound, until the result is dropped.
    pub(super) fn descend(&self, ast: &Ast) -> Result<Level<'_>, SqlError> {
        self.steps.set(self.steps.get() + 1);
        self.depth.set(self.depth.get() + 1);
        let level = Level(&self.depth);
        let message = match (self.depth.get(), self.steps.get()) {
            (..=DEPTH_MAX, ..=STEPS_MAX) => return Ok(level),
            (..=DEPTH_MAX, _) => {
                "too many BETWEEN, CASE or NULLIF are nested in one another".to_owned()
            }
            _ => format!("expressions can be nested {DEPTH_MAX} deep; this one is nested deeper"),
        };
        Err(SqlError::at(ast.span(), message))
    }

    pub(super) fn source(&self) -> &'s Source {
        self.source
    }

    pub(super) fn unnested(&self) -> Option<usize> {
        self.unnest.as_ref().map(|unnest| unnest.list)
    }

    /// Binds an expression over the columns of a row.
    pub(super) fn bind(&self, ast: &Ast) -> Result<Bound, SqlError> {
        Binder::of_rows(self).bind(ast)
    }

    pub(super) fn condition(&self, ast: &Ast) -> Result<Expr, SqlError> {
        Binder::of_rows(self).condition(ast)
    }

    pub(super) fn number(&self, ast: &Ast) -> Result<Bound, SqlError> {
        Binder::of_rows(self).number(ast)
    }

    pub(super) fn column(&self, name: &Ident) -> Result<Bound, SqlError> {
        if let Some(unnest) = self
            .unnest
            .as_ref()
            .filter(|unnest| unnest.name.eq_ignore_ascii_case(&name.value))
        {
            return Ok(Bound {
                expr: Expr::Column(self.source.columns.len()),
                ty: self.source.columns[unnest.list].ty,
            });
        }
        let Some(number) = self.source.position(&name.value) else {
            if BOUNDS.contains(&name.value.to_lowercase().as_str()) {
                let message = format!(
                    "`{}` is only allowed in SELECT, HAVING and ORDER BY of a query with a window, and not in an \
                     aggregate",
                    name.value
                );
                return Err(SqlError::at(name.span, message));
            }
            let known = self
                .source
                .columns
                .iter()
                .map(|column| column.name.as_str());
            let mut message = format!(
                "unknown column `{}` of `{}`; {}",
                name.value,
                self.source.name,
                suggestion(&name.value, known)
            );
            if name.quote_style == Some('"') {
                message.push_str(" (double quotes are for names; a string needs single quotes)");
            }
            return Err(SqlError::at(name.span, message));
        };
        let column = &self.source.columns[number];
        if column.is_list() {
            let message = format!(
                "`{}` is a list; read its elements with `CROSS JOIN unnest({}) AS t(name)`",
                name.value, name.value
            );
            return Err(SqlError::at(name.span, message));
        }
        Ok(Bound {
            expr: Expr::Column(number),
            ty: column.ty,
        })
    }
}
