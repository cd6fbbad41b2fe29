//! The clauses of a query: `GROUP BY` with the window, `ORDER BY` and `LIMIT`.

use sqlparser::ast::{
    Distinct, Expr as Ast, Function as Call, GroupByExpr, LimitClause, OrderByKind, OrderBySort,
    Query as QueryAst, Select, SelectItem, SetExpr, Spanned,
};

use super::arguments::{self, name_of};
use super::durations::duration_ms;
use super::expressions::Bound;
use super::groups::Groups;
use super::literals;
use super::scope::Scope;
use crate::error::SqlError;
use crate::plan::{OrderBy, Output, WindowPlan};

/// The largest number of hopping windows that contain one event.
const OVERLAPS_MAX: i64 = 10_000;
const WINDOWS: &str = "TUMBLE(size), HOP(slide, size) or SESSION(gap)";

pub(super) struct GroupBy {
    pub(super) window: WindowPlan,
    pub(super) keys: Vec<Bound>,
}

/// Refuses what the parser knows and the language does not.
pub(super) fn refuse_unknown(query: &QueryAst) -> Result<(), SqlError> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Ok(());
    };
    let found = [
        (query.with.is_some(), "WITH"),
        (query.fetch.is_some(), "FETCH"),
        (!query.locks.is_empty(), "FOR UPDATE"),
        (query.for_clause.is_some(), "FOR"),
        (query.settings.is_some(), "SETTINGS"),
        (query.format_clause.is_some(), "FORMAT"),
        (!query.pipe_operators.is_empty(), "|>"),
        (
            !matches!(select.distinct, None | Some(Distinct::All)),
            "SELECT DISTINCT",
        ),
        (select.top.is_some(), "TOP"),
        (select.exclude.is_some(), "EXCLUDE"),
        (select.into.is_some(), "INTO"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty(), "CLUSTER BY"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
        (!select.sort_by.is_empty(), "SORT BY"),
        (!select.named_window.is_empty(), "WINDOW"),
        (select.qualify.is_some(), "QUALIFY"),
    ];
    match found.iter().find(|(is_found, _)| *is_found) {
        Some((_, clause)) => Err(SqlError::at(
            query.span(),
            format!(
                "{clause} is not supported; a query has SELECT, FROM, WHERE, GROUP BY, HAVING, ORDER BY and LIMIT"
            ),
        )),
        None => Ok(()),
    }
}

pub(super) fn group_by(scope: &Scope<'_>, select: &Select) -> Result<GroupBy, SqlError> {
    let GroupByExpr::Expressions(expressions, modifiers) = &select.group_by else {
        return Err(SqlError::at(
            select.group_by.span(),
            "GROUP BY ALL is not supported; name the columns",
        ));
    };
    if let Some(modifier) = modifiers.first() {
        let message = format!("{modifier} is not supported in GROUP BY");
        return Err(SqlError::at(select.group_by.span(), message));
    }
    let mut grouped = GroupBy {
        window: WindowPlan::None,
        keys: Vec::new(),
    };
    for ast in expressions {
        match window(ast)? {
            Some(_) if grouped.window != WindowPlan::None => {
                let message = format!("expected only one of {WINDOWS}");
                return Err(SqlError::at(ast.span(), message));
            }
            Some(window) => grouped.window = window,
            None => grouped.keys.push(key(scope, select, ast)?),
        }
    }
    Ok(grouped)
}

/// Returns the window of an expression such as `TUMBLE(INTERVAL '10' SECOND)`.
fn window(ast: &Ast) -> Result<Option<WindowPlan>, SqlError> {
    let Ast::Function(call) = ast else {
        return Ok(None);
    };
    let durations = |count: usize| durations(call, count);
    let hopping = |slide_ms: i64, size_ms: i64| WindowPlan::Hopping { slide_ms, size_ms };
    Ok(Some(match name_of(call).as_str() {
        "tumble" => {
            let size = durations(1)?;
            hopping(size[0], size[0])
        }
        "hop" => {
            let given = durations(2)?;
            let [slide, size] = [given[0], given[1]];
            if size % slide != 0 || size / slide > OVERLAPS_MAX {
                let message = format!(
                    "the size of HOP(slide, size) must be a multiple of the slide, and at most {OVERLAPS_MAX} times \
                     as long; the slide is {slide} ms, and the size {size} ms"
                );
                return Err(SqlError::at(ast.span(), message));
            }
            hopping(slide, size)
        }
        "session" => WindowPlan::Session {
            gap_ms: durations(1)?[0],
        },
        _ => return Ok(None),
    }))
}

fn durations(call: &Call, count: usize) -> Result<Vec<i64>, SqlError> {
    let given = arguments::plain(call)?;
    if given.len() != count {
        let count = given.len();
        let message = format!(
            "expected {WINDOWS}, found {count} arguments; the event time is not an argument"
        );
        return Err(SqlError::at(call.span(), message));
    }
    given.into_iter().map(duration_ms).collect()
}

/// Returns a key: an expression, or the name of an expression of `SELECT`.
fn key(scope: &Scope<'_>, select: &Select, ast: &Ast) -> Result<Bound, SqlError> {
    if let Ast::Value(value) = ast {
        let message = format!("expected a column or an expression, found `{value}`");
        return Err(SqlError::at(ast.span(), message));
    }
    let bound = scope.bind(ast);
    let Ast::Identifier(name) = ast else {
        return bound;
    };
    let named = select.projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias }
            if alias.value.eq_ignore_ascii_case(&name.value) =>
        {
            Some(expr)
        }
        _ => None,
    });
    match (bound, named) {
        (Err(_), Some(expr)) => scope.bind(expr),
        (bound, _) => bound,
    }
}

/// Returns the order of rows in a window. A name can be that of a column of the result.
pub(super) fn order_by(
    groups: &mut Groups<'_, '_>,
    query: &QueryAst,
    outputs: &[Output],
) -> Result<Vec<OrderBy>, SqlError> {
    let Some(order) = &query.order_by else {
        return Ok(Vec::new());
    };
    let OrderByKind::Expressions(expressions) = &order.kind else {
        return Err(SqlError::at(
            order.span(),
            "ORDER BY ALL is not supported; name the columns",
        ));
    };
    expressions
        .iter()
        .map(|item| {
            let named = outputs.iter().find(
                |output| matches!(&item.expr, Ast::Identifier(name) if name.value.eq_ignore_ascii_case(&output.name)),
            );
            if let Ast::Value(value) = &item.expr {
                let message = format!("expected a column or an expression, found `{value}`");
                return Err(SqlError::at(item.expr.span(), message));
            }
            let expr = match named {
                Some(output) => output.expr.clone(),
                None => groups.bind(&item.expr)?.expr,
            };
            Ok(OrderBy {
                expr,
                descending: matches!(item.options.sort, Some(OrderBySort::Desc)),
                nulls_first: item.options.nulls_first.unwrap_or(false),
            })
        })
        .collect()
}

/// Returns the largest number of rows in a window.
pub(super) fn limit(query: &QueryAst) -> Result<Option<u64>, SqlError> {
    let limit = match &query.limit_clause {
        None => return Ok(None),
        Some(LimitClause::LimitOffset {
            limit: Some(limit),
            offset: None,
            limit_by,
        }) if limit_by.is_empty() => limit,
        Some(other) => {
            let message = "expected LIMIT with a number; OFFSET and BY are not supported";
            return Err(SqlError::at(other.span(), message));
        }
    };
    let number = literals::integer(limit).and_then(|number| u64::try_from(number).ok());
    match number.filter(|number| *number > 0) {
        Some(number) if query.order_by.is_some() => Ok(Some(number)),
        Some(_) => Err(SqlError::at(
            limit.span(),
            "LIMIT needs ORDER BY, which determines the rows that remain in each window",
        )),
        None => {
            let message = format!("expected a number of rows above 0, found `{limit}`");
            Err(SqlError::at(limit.span(), message))
        }
    }
}
