//! `FROM`: one source, at most one list column whose elements become rows, and at most one table.

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, JoinConstraint, JoinOperator, Select, Spanned,
    TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;

use super::catalog::Catalog;
use crate::error::{SqlError, suggestion};
use crate::source::Source;
use crate::table::Table;

/// The elements of a list column as a column of their own.
#[derive(Clone, Debug)]
pub(super) struct Unnest {
    /// The name of the element column.
    pub(super) name: String,
    /// The number of the list column.
    pub(super) list: usize,
}

/// A table that is joined.
#[derive(Clone, Copy)]
pub(super) struct Joined<'c> {
    pub(super) table: &'c Table,
    /// Whether rows without a match are left out.
    pub(super) is_inner: bool,
    /// The condition of the join.
    pub(super) on: &'c Ast,
    pub(super) place: Span,
}

/// What a query reads.
pub(super) struct FromClause<'c> {
    pub(super) source: &'c Source,
    pub(super) unnest: Option<Unnest>,
    pub(super) joined: Option<Joined<'c>>,
}

/// Returns the parts of `FROM`.
pub(super) fn from<'c>(select: &'c Select, known: Catalog<'c>) -> Result<FromClause<'c>, SqlError> {
    let mut factors = select.from.iter().flat_map(factors);
    let (first, _) = factors
        .next()
        .ok_or_else(|| SqlError::at(select.span(), "expected FROM with the name of a source"))?;
    let mut from = FromClause {
        source: source(first, known)?,
        unnest: None,
        joined: None,
    };
    for (factor, join) in factors {
        from.add(factor, join, known)?;
    }
    Ok(from)
}

impl<'c> FromClause<'c> {
    fn add(
        &mut self,
        factor: &'c TableFactor,
        join: Option<&'c JoinOperator>,
        known: Catalog<'c>,
    ) -> Result<(), SqlError> {
        use JoinOperator::{CrossJoin, Inner, Join, Left, LeftOuter};
        let (is_inner, on) = match join {
            None | Some(CrossJoin(JoinConstraint::None)) if self.unnest.is_none() => {
                self.unnest = Some(unnest(factor, self.source)?);
                return Ok(());
            }
            Some(Join(JoinConstraint::On(on)) | Inner(JoinConstraint::On(on))) => (true, on),
            Some(Left(JoinConstraint::On(on)) | LeftOuter(JoinConstraint::On(on))) => (false, on),
            _ => {
                let message = "expected one source, at most one `CROSS JOIN unnest(list) AS t(name)`, and at most one \
                               `JOIN table ON column = table.key` or `LEFT JOIN`";
                return Err(SqlError::at(factor.span(), message));
            }
        };
        if self.joined.is_some() {
            let message = "a query can join one table";
            return Err(SqlError::at(factor.span(), message));
        }
        self.joined = Some(Joined {
            table: table(factor, known)?,
            is_inner,
            on,
            place: factor.span(),
        });
        Ok(())
    }
}

/// Returns the tables of `FROM`, and how each is joined.
fn factors(table: &TableWithJoins) -> impl Iterator<Item = (&TableFactor, Option<&JoinOperator>)> {
    let joined = table.joins.iter();
    let joined = joined.map(|join| (&join.relation, Some(&join.join_operator)));
    std::iter::once((&table.relation, None)).chain(joined)
}

fn source<'c>(factor: &TableFactor, known: Catalog<'c>) -> Result<&'c Source, SqlError> {
    let text = plain_name(factor).ok_or_else(|| {
        SqlError::at(
            factor.span(),
            "expected only the name of a source; subqueries and aliases are not supported",
        )
    })?;
    let found = known.sources.iter().find(|source| source.name == text);
    found.ok_or_else(|| {
        if known.tables.iter().any(|table| table.name() == text) {
            let message =
                format!("`{text}` is a table; a query reads a source, and can join a table to it");
            return SqlError::at(factor.span(), message);
        }
        let names = known.sources.iter().map(|source| source.name.as_str());
        unknown("source", &text, names.collect(), factor)
    })
}

fn table<'c>(factor: &TableFactor, known: Catalog<'c>) -> Result<&'c Table, SqlError> {
    let text = plain_name(factor).ok_or_else(|| {
        SqlError::at(
            factor.span(),
            "expected only the name of a table; subqueries and aliases are not supported",
        )
    })?;
    let found = known.tables.iter().find(|table| table.name() == text);
    found.ok_or_else(|| {
        if known.sources.iter().any(|source| source.name == text) {
            let message = format!("`{text}` is a source; a query can join only tables");
            return SqlError::at(factor.span(), message);
        }
        let names = known.tables.iter().map(Table::name);
        unknown("table", &text, names.collect(), factor)
    })
}

fn unknown(kind: &str, name: &str, known: Vec<&str>, factor: &TableFactor) -> SqlError {
    let has_dash = known.iter().any(|known| known.contains('-'));
    let mut message = format!(
        "unknown {kind} `{name}`; {}",
        suggestion(name, known.into_iter())
    );
    if has_dash {
        message.push_str(" (a name with `-` needs double quotes)");
    }
    SqlError::at(factor.span(), message)
}

/// Returns the name of a source or table without anything else.
fn plain_name(factor: &TableFactor) -> Option<String> {
    let TableFactor::Table {
        name,
        alias: None,
        args: None,
        sample: None,
        with_ordinality: false,
        version: None,
        ..
    } = factor
    else {
        return None;
    };
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    let parts: Vec<&str> = parts.map(|part| part.value.as_str()).collect();
    Some(parts.join("."))
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
