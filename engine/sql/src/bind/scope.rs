//! Names: the columns of the source for the expressions of a row, and the keys, aggregates and window bounds for the
//! expressions of a group.

use std::cell::Cell;

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, Ident, JoinOperator, Select, Spanned, TableFactor,
    TableWithJoins,
};

use super::BOUNDS;
use super::expressions::{Binder, Bound};
use crate::error::{SqlError, suggestion};
use crate::plan::{Aggregate, Expr, Output, Plan, WindowPlan};
use crate::source::Source;
use crate::types::SqlType;

/// The elements of a list column as a column of their own.
#[derive(Clone, Debug)]
pub(super) struct Unnest {
    /// The name of the element column.
    name: String,
    /// The number of the list column.
    list: usize,
}

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

/// Returns the source and the unnested column of `FROM`.
pub(super) fn from<'s>(
    select: &Select,
    sources: &'s [Source],
) -> Result<(&'s Source, Option<Unnest>), SqlError> {
    let mut tables = select.from.iter().flat_map(factors);
    let (first, _) = tables
        .next()
        .ok_or_else(|| SqlError::at(select.span(), "expected FROM with the name of a source"))?;
    let source = source(first, sources)?;
    let mut unnested = None;
    for (table, is_plain) in tables {
        if unnested.is_some() || !is_plain {
            let message =
                "expected one source, and at most one `CROSS JOIN unnest(list) AS t(name)`";
            return Err(SqlError::at(table.span(), message));
        }
        unnested = Some(unnest(table, source)?);
    }
    Ok((source, unnested))
}

/// Returns the tables of `FROM`, and whether each is joined without a condition.
fn factors(table: &TableWithJoins) -> impl Iterator<Item = (&TableFactor, bool)> {
    let joined = table.joins.iter().map(|join| {
        let is_plain = matches!(
            join.join_operator,
            JoinOperator::CrossJoin(sqlparser::ast::JoinConstraint::None)
        );
        (&join.relation, is_plain)
    });
    std::iter::once((&table.relation, true)).chain(joined)
}

fn source<'s>(table: &TableFactor, sources: &'s [Source]) -> Result<&'s Source, SqlError> {
    let TableFactor::Table {
        name,
        alias: None,
        args: None,
        sample: None,
        with_ordinality: false,
        version: None,
        ..
    } = table
    else {
        return Err(SqlError::at(
            table.span(),
            "expected only the name of a source; subqueries and aliases are not supported",
        ));
    };
    let text = name.0.iter().filter_map(|part| part.as_ident());
    let text: Vec<&str> = text.map(|part| part.value.as_str()).collect();
    let text = text.join(".");
    sources
        .iter()
        .find(|source| source.name == text)
        .ok_or_else(|| {
            let known = sources.iter().map(|source| source.name.as_str());
            let mut message = format!("unknown source `{text}`; {}", suggestion(&text, known));
            if sources.iter().any(|source| source.name.contains('-')) {
                message.push_str(" (a name with `-` needs double quotes)");
            }
            SqlError::at(table.span(), message)
        })
}

fn unnest(table: &TableFactor, source: &Source) -> Result<Unnest, SqlError> {
    let expected = || {
        SqlError::at(
            table.span(),
            "expected `unnest(list) AS t(name)`; a query reads one source",
        )
    };
    let TableFactor::Table {
        name,
        args: Some(arguments),
        alias: Some(alias),
        sample: None,
        with_ordinality: false,
        ..
    } = table
    else {
        return Err(expected());
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Ast::Identifier(list)))] =
        arguments.args.as_slice()
    else {
        return Err(expected());
    };
    let is_unnest = name.to_string().eq_ignore_ascii_case("unnest");
    let [element] = alias.columns.as_slice() else {
        return Err(expected());
    };
    if !is_unnest {
        return Err(expected());
    }
    let lists = || source.columns.iter().filter(|column| column.is_list());
    let number = source
        .position(&list.value)
        .filter(|number| source.columns[*number].is_list())
        .ok_or_else(|| {
            let names = lists().map(|column| column.name.as_str());
            let message = format!(
                "`{}` is not a list column; {}",
                list.value,
                suggestion(&list.value, names)
            );
            SqlError::at(list.span, message)
        })?;
    Ok(Unnest {
        name: element.name.value.clone(),
        list: number,
    })
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

/// The columns of a group row, and the aggregates that have been needed so far.
pub(super) struct Groups<'r, 's> {
    scope: &'r Scope<'s>,
    keys: Vec<Bound>,
    has_windows: bool,
    aggregates: Vec<Aggregate>,
    /// The columns of the result by name, once they are known.
    named: Vec<(String, Bound)>,
}

impl<'r, 's> Groups<'r, 's> {
    pub(super) fn new(scope: &'r Scope<'s>, keys: Vec<Bound>, has_windows: bool) -> Self {
        Self {
            scope,
            keys,
            has_windows,
            aggregates: Vec::new(),
            named: Vec::new(),
        }
    }

    /// Makes the columns of the result known by name.
    pub(super) fn name_outputs(&mut self, outputs: &[Output]) {
        let named = outputs.iter().map(|output| {
            let bound = Bound {
                expr: output.expr.clone(),
                ty: output.ty,
            };
            (output.name.clone(), bound)
        });
        self.named = named.collect();
    }

    pub(super) fn scope(&self) -> &'r Scope<'s> {
        self.scope
    }

    pub(super) fn bind(&mut self, ast: &Ast) -> Result<Bound, SqlError> {
        Binder::of_groups(self).bind(ast)
    }

    pub(super) fn condition(&mut self, ast: &Ast) -> Result<Expr, SqlError> {
        Binder::of_groups(self).condition(ast)
    }

    /// Returns the numbers of the columns with the window's start and end.
    pub(super) fn bounds(&self) -> [usize; 2] {
        [self.keys.len(), self.keys.len() + 1]
    }

    /// Returns the number of the column with the rank, which follows the last aggregate.
    pub(super) fn rank(&self) -> usize {
        self.keys.len() + BOUNDS.len() + self.aggregates.len()
    }

    /// Returns the column of an expression that is a key.
    pub(super) fn key(&self, row: &Bound) -> Option<Bound> {
        let is_same = |key: &Bound| key.expr == row.expr && key.ty == row.ty;
        let number = self.keys.iter().position(is_same)?;
        Some(Bound {
            expr: Expr::Column(number),
            ty: self.keys[number].ty,
        })
    }

    /// Returns the column of an aggregate, which is computed once however often it is used.
    pub(super) fn aggregate(&mut self, aggregate: Aggregate) -> Bound {
        let ty = aggregate.ty;
        let known = self.aggregates.iter().position(|other| *other == aggregate);
        let number = known.unwrap_or_else(|| {
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        Bound {
            expr: Expr::Column(self.keys.len() + BOUNDS.len() + number),
            ty,
        }
    }

    /// Returns the column of a name that is not an expression of the row.
    pub(super) fn column(&self, name: &Ident) -> Result<Bound, SqlError> {
        let bound = BOUNDS
            .iter()
            .position(|bound| name.value.eq_ignore_ascii_case(bound));
        if let Some(bound) = bound.filter(|_| self.has_windows) {
            return Ok(Bound {
                expr: Expr::Column(self.bounds()[bound]),
                ty: SqlType::Timestamp,
            });
        }
        if let Some((_, bound)) = self
            .named
            .iter()
            .find(|(output, _)| output.eq_ignore_ascii_case(&name.value))
        {
            return Ok(bound.clone());
        }
        self.scope.column(name)?;
        let message = format!(
            "`{}` has a value for each record, but a row of the result is a group of records: add it to GROUP BY, or \
             use it in an aggregate such as max({})",
            name.value, name.value
        );
        Err(SqlError::at(name.span, message))
    }

    /// Returns a plan with the keys and the aggregates; the other parts are empty.
    pub(super) fn into_plan(self) -> Plan {
        Plan {
            source: String::new(),
            unnest: None,
            filter: None,
            window: WindowPlan::None,
            keys: self.keys.into_iter().map(|key| key.expr).collect(),
            aggregates: self.aggregates,
            outputs: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
        }
    }
}
