//! Turns a query's text into a plan: names are resolved, types are checked, and everything outside the language is
//! refused with its place.

mod aggregates;
mod arguments;
mod calls;
mod catalog;
mod clauses;
mod date_parts;
mod derived;
mod dialect;
mod durations;
mod expressions;
mod from;
mod groups;
mod joining;
mod literals;
mod operators;
mod scope;

use sqlparser::ast::{
    Expr as Ast, Query as QueryAst, Select, SelectItem, SetExpr, Spanned, Statement,
};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer};

pub use self::catalog::Catalog;
use self::clauses::GroupBy;
use self::dialect::Language;
use self::expressions::Bound;
use self::groups::Groups;
use self::scope::Scope;
use crate::error::SqlError;
use crate::plan::{BOUNDS, Expr, Output, Plan, WindowPlan};
use crate::types::SqlType;

/// The longest text of a query in bytes. Queries written by hand are shorter.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// The largest number of columns of a result.
pub const OUTPUTS_MAX: usize = 100;
/// The largest number of tokens of a query.
const TOKENS_MAX: usize = 4_000;
/// Each token can add a level to the tree that the parser returns. Planning takes less than 10 kB for a level.
const STACK_BYTES: usize = TOKENS_MAX * 10_000;
/// The name of the column with a row's place in the order of its window.
const RANK: &str = "rank";

/// Plans a query over one of the sources, and possibly one of the tables.
pub fn plan<'c>(text: &str, known: impl Into<Catalog<'c>>) -> Result<Plan, SqlError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!(
            "the query has {} bytes; at most {TEXT_BYTES_MAX} are allowed",
            text.len()
        );
        return Err(SqlError::at(Span::empty(), message));
    }
    // A long sum is a deep tree, and the parser's functions walk it by recursion.
    let unable = || {
        SqlError::at(
            Span::empty(),
            "there is not enough memory to plan the query",
        )
    };
    let known = known.into();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || plan_here(text, known))
            .map_err(|_| unable())?
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Plans a query whose rows become a derived topic.
pub fn plan_derived<'c>(text: &str, known: impl Into<Catalog<'c>>) -> Result<Plan, SqlError> {
    let plan = plan(text, known)?;
    derived::check(&plan).map_err(|message| SqlError::at(Span::empty(), message))?;
    Ok(plan)
}

fn plan_here(text: &str, known: Catalog<'_>) -> Result<Plan, SqlError> {
    let query = parse(text)?;
    clauses::refuse_unknown(&query)?;
    let select = select(&query)?;
    let from = from::from(select, known)?;
    let joined = from.joined;
    let scope = Scope::new(from);
    let plan = bind(&query, select, &scope)?;
    match joined {
        Some(joined) => joining::split(plan, joined, &scope),
        None => Ok(plan),
    }
}

fn parse(text: &str) -> Result<Box<QueryAst>, SqlError> {
    let tokens = Tokenizer::new(&Language, text).tokenize_with_location();
    let tokens = tokens
        .map_err(|error| syntax_error(ParserError::TokenizerError(error.to_string()), text))?;
    let is_space = |token: &&TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let count = tokens.iter().filter(|token| !is_space(token)).count();
    if count > TOKENS_MAX {
        let message = format!("the query has {count} tokens; at most {TOKENS_MAX} are allowed");
        return Err(SqlError::at(Span::empty(), message));
    }
    let mut parser = Parser::new(&Language).with_tokens_with_locations(tokens);
    let mut statements = parser
        .parse_statements()
        .map_err(|error| syntax_error(error, text))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(query),
        _ => Err(SqlError::at(Span::empty(), "expected one SELECT statement")),
    }
}

/// The parser's messages end in ` at Line: 1, Column: 8`.
fn syntax_error(error: ParserError, query: &str) -> SqlError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => "the query is nested too deeply".to_owned(),
    };
    let place = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((message, line.parse().ok()?, column.parse().ok()?))
    });
    // Without a place, the query ends too early.
    let last = query.lines().last().unwrap_or_default();
    let end = (
        query.lines().count().max(1) as u64,
        last.chars().count() as u64 + 1,
    );
    let (message, line, column) = place.unwrap_or((&text, end.0, end.1));
    // The most frequent cause of this is the name of a source, such as player-events, without quotes.
    let is_dash = message.ends_with("found: -");
    let hint = if is_dash {
        "; a name with `-` needs double quotes"
    } else {
        ""
    };
    SqlError {
        line,
        column,
        message: format!("syntax error: {message}{hint}"),
    }
}

fn select(query: &QueryAst) -> Result<&Select, SqlError> {
    match query.body.as_ref() {
        SetExpr::Select(select) => Ok(select),
        other => Err(SqlError::at(
            other.span(),
            "expected SELECT; set operations, VALUES and subqueries are not supported",
        )),
    }
}

fn bind(query: &QueryAst, select: &Select, scope: &Scope<'_>) -> Result<Plan, SqlError> {
    let filter = match &select.selection {
        Some(condition) => Some(scope.condition(condition)?),
        None => None,
    };
    let GroupBy { window, keys } = clauses::group_by(scope, select)?;
    let mut groups = Groups::new(scope, keys, window != WindowPlan::None);
    let mut outputs = Vec::new();
    if window != WindowPlan::None {
        outputs.extend(bounds_not_selected(select, &groups));
    }
    for item in &select.projection {
        outputs.push(output(&mut groups, item)?);
    }
    groups.name_outputs(&outputs);
    let having = match &select.having {
        Some(condition) => Some(groups.condition(condition)?),
        None => None,
    };
    let order = clauses::order_by(&mut groups, query, &outputs)?;
    let limit = clauses::limit(query)?;
    if limit.is_some() {
        outputs.push(Output {
            name: RANK.to_owned(),
            ty: SqlType::Bigint,
            expr: Expr::Column(groups.rank()),
        });
    }
    check_outputs(select, &outputs)?;
    Ok(Plan {
        source: scope.source().name.clone(),
        unnest: scope.unnested(),
        filter,
        window,
        outputs,
        having,
        order,
        limit,
        ..groups.into_plan()
    })
}

/// Returns the bounds of the window as outputs, unless the query names them itself.
fn bounds_not_selected(select: &Select, groups: &Groups<'_, '_>) -> Vec<Output> {
    let is_selected = |name: &str| {
        let names = |ast: &Ast| matches!(ast, Ast::Identifier(ident) if ident.value.eq_ignore_ascii_case(name));
        select.projection.iter().any(|item| match item {
            SelectItem::UnnamedExpr(ast) => names(ast),
            SelectItem::ExprWithAlias { expr, .. } => names(expr),
            _ => false,
        })
    };
    BOUNDS
        .iter()
        .zip(groups.bounds())
        .filter(|(name, _)| !is_selected(name))
        .map(|(name, number)| Output {
            name: (*name).to_owned(),
            ty: SqlType::Timestamp,
            expr: Expr::Column(number),
        })
        .collect()
}

fn output(groups: &mut Groups<'_, '_>, item: &SelectItem) -> Result<Output, SqlError> {
    let (ast, alias) = match item {
        SelectItem::UnnamedExpr(ast) => (ast, None),
        SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
        other => {
            let message = "name each column of the result; `*` is not supported";
            return Err(SqlError::at(other.span(), message));
        }
    };
    let name = match (alias, ast) {
        (Some(alias), _) => alias,
        (None, Ast::Identifier(ident)) => ident.value.clone(),
        (None, Ast::CompoundIdentifier(parts)) => parts
            .last()
            .map_or_else(String::new, |part| part.value.clone()),
        (None, other) => {
            let message = format!("give the column a name: `{other} AS …`");
            return Err(SqlError::at(other.span(), message));
        }
    };
    let Bound { expr, ty } = groups.bind(ast)?;
    Ok(Output { name, ty, expr })
}

fn check_outputs(select: &Select, outputs: &[Output]) -> Result<(), SqlError> {
    let at = |message: String| SqlError::at(select.span(), message);
    if outputs.len() > OUTPUTS_MAX {
        let count = outputs.len();
        return Err(at(format!(
            "the result has {count} columns; at most {OUTPUTS_MAX} are allowed"
        )));
    }
    for (number, output) in outputs.iter().enumerate() {
        if outputs[..number]
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&output.name))
        {
            return Err(at(format!(
                "two columns of the result are named `{}`",
                output.name
            )));
        }
    }
    Ok(())
}
