//! `FROM`: one source, and at most one list column whose elements become rows.

use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, JoinOperator, Select, Spanned, TableFactor,
    TableWithJoins,
};

use crate::error::{SqlError, suggestion};
use crate::source::Source;

/// The elements of a list column as a column of their own.
#[derive(Clone, Debug)]
pub(super) struct Unnest {
    /// The name of the element column.
    pub(super) name: String,
    /// The number of the list column.
    pub(super) list: usize,
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
