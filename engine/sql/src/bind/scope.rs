//! The expressions of a record: over the columns of the source, the element of a list, and the columns of a table.

use std::cell::Cell;

use sqlparser::ast::{Expr as Ast, Ident, Spanned};
use sqlparser::tokenizer::Span;

use super::BOUNDS;
use super::expressions::{Binder, Bound};
use super::from::{FromClause, Unnest};
use crate::error::{SqlError, suggestion};
use crate::plan::{Aggregate, Expr};
use crate::source::{Column, Source};
use crate::table::Table;
use crate::types::SqlType;

/// The columns of a row.
pub(super) struct Scope<'s> {
    source: &'s Source,
    unnest: Option<Unnest>,
    table: Option<&'s Table>,
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
    pub(super) fn new(from: FromClause<'s>) -> Self {
        Self {
            source: from.source,
            unnest: from.unnest,
            table: from.joined.map(|joined| joined.table),
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

    /// Returns the number of columns before those of the table.
    pub(super) fn width(&self) -> usize {
        self.source.columns.len() + usize::from(self.unnest.is_some())
    }

    /// Returns whether an expression reads columns of the table.
    pub(super) fn reads_table(&self, expr: &Expr) -> bool {
        let (width, mut reads) = (self.width(), false);
        expr.columns(&mut |number| reads |= number >= width);
        reads
    }

    /// Returns the type of a column of the source, or of the element of the list.
    pub(super) fn type_of(&self, number: usize) -> SqlType {
        let list = self.unnested().unwrap_or_default();
        let columns = &self.source.columns;
        columns.get(number).unwrap_or(&columns[list]).ty
    }

    /// Refuses an aggregate that reads the table.
    pub(super) fn check(&self, aggregate: &Aggregate, place: Span) -> Result<(), SqlError> {
        if aggregate.exprs().any(|expr| self.reads_table(expr)) {
            let message = "an aggregate is computed before the table is joined: use only columns of the source in it, \
                           or group by the table's column";
            return Err(SqlError::at(place, message));
        }
        Ok(())
    }

    /// Binds the name of a column, or with a join that of a source or table and its column.
    pub(super) fn qualified(&self, names: &[Ident]) -> Result<Bound, SqlError> {
        let place = names.first().map_or(Span::empty(), |name| name.span);
        match (self.table, names) {
            (Some(table), [prefix, name]) if prefix.value == table.name() => {
                let found = self.table_column(name);
                found.ok_or_else(|| unknown(name, table.name(), table.columns()))
            }
            (Some(_), [prefix, name]) if prefix.value == self.source.name => {
                self.source_column(name)
            }
            (Some(table), [prefix, _]) => {
                let known = [self.source.name.as_str(), table.name()];
                let message = format!(
                    "the query does not read `{}`; {}",
                    prefix.value,
                    suggestion(&prefix.value, known.into_iter())
                );
                Err(SqlError::at(place, message))
            }
            (_, names) => {
                let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
                let path = names.join(".");
                let mut columns = self.source.columns.iter();
                let message = match columns.find(|column| column.path.to_string() == path) {
                    Some(Column { name, .. }) => {
                        format!("`{path}` is the path of the column `{name}`: write `{name}`")
                    }
                    None => {
                        let last = names.last().unwrap_or(&"");
                        format!("columns have no prefix; if the column is declared, write `{last}`")
                    }
                };
                Err(SqlError::at(place, message))
            }
        }
    }

    pub(super) fn column(&self, name: &Ident) -> Result<Bound, SqlError> {
        let found = self.source_column(name);
        match (self.table_column(name), found) {
            (None, found) => found,
            (Some(column), Err(_)) => Ok(column),
            (Some(_), Ok(_)) => {
                let table = self.table.map_or("", Table::name);
                let message = format!(
                    "both `{}` and `{table}` have a column `{}`: write `{table}.{}`, or the other name in its place",
                    self.source.name, name.value, name.value
                );
                Err(SqlError::at(name.span, message))
            }
        }
    }

    fn table_column(&self, name: &Ident) -> Option<Bound> {
        let table = self.table?;
        let number = table.position(&name.value)?;
        Some(Bound {
            expr: Expr::Column(self.width() + number),
            ty: table.columns()[number].ty,
        })
    }

    fn source_column(&self, name: &Ident) -> Result<Bound, SqlError> {
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
            return Err(unknown(name, &self.source.name, &self.source.columns));
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

fn unknown(name: &Ident, of: &str, columns: &[Column]) -> SqlError {
    let known = columns.iter().map(|column| column.name.as_str());
    let mut message = format!(
        "unknown column `{}` of `{of}`; {}",
        name.value,
        suggestion(&name.value, known)
    );
    if name.quote_style == Some('"') {
        message.push_str(" (double quotes are for names; a string needs single quotes)");
    }
    SqlError::at(name.span, message)
}
