//! Calls of functions of a single row.

use sqlparser::ast::{CeilFloorKind, Expr as Ast, Function as Call, Spanned};

use super::arguments::{self, name_of};
use super::expressions::{Binder, Bound, unsupported};
use super::{aggregates, literals};
use crate::calendar::DatePart;
use crate::error::{SqlError, suggestion};
use crate::functions::Function;
use crate::numbers::Numbers;
use crate::plan::{Comparison, Expr, Literal};
use crate::types::SqlType;

const NAMES: [&str; 18] = [
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "date_part",
    "date_trunc",
    "epoch_ms",
    "extract",
    "floor",
    "greatest",
    "least",
    "length",
    "lower",
    "nullif",
    "round",
    "split_part",
    "substr",
    "upper",
];

pub(super) fn bind(binder: &mut Binder<'_, '_, '_>, call: &Call) -> Result<Bound, SqlError> {
    use SqlType::{Bigint, Text, Timestamp};
    let name = name_of(call);
    if !NAMES.contains(&name.as_str()) {
        return Err(unknown(call, &name));
    }
    let list = arguments::plain(call)?;
    match (name.as_str(), list.as_slice()) {
        ("lower", [text]) => typed(binder, Function::Lower, &[(text, Text)], Text),
        ("upper", [text]) => typed(binder, Function::Upper, &[(text, Text)], Text),
        ("length", [text]) => typed(binder, Function::Length, &[(text, Text)], Bigint),
        ("concat", [_, ..]) => concat(binder, &list),
        ("split_part", [text, separator, part]) => {
            let arguments = [(*text, Text), (separator, Text), (part, Bigint)];
            typed(binder, Function::SplitPart, &arguments, Text)
        }
        ("date_trunc", [part, time]) => {
            let function = Function::DateTrunc(part_named(part_name(part)?, true, part)?);
            typed(binder, function, &[(time, Timestamp)], Timestamp)
        }
        ("date_part", [part, time]) => extract(binder, part_name(part)?, part, time),
        ("epoch_ms", [time]) => typed(binder, Function::EpochMs, &[(time, Timestamp)], Bigint),
        ("abs", [number]) => abs(binder, number),
        ("round", [number]) => round(binder, number, None),
        ("round", [number, digits]) => round(binder, number, Some(digits)),
        ("least", [_, ..]) => of_common(binder, Function::Least, &list),
        ("greatest", [_, ..]) => of_common(binder, Function::Greatest, &list),
        ("coalesce", [_, ..]) => of_common(binder, Function::Coalesce, &list),
        ("nullif", [left, right]) => null_if(binder, left, right),
        _ => {
            let message = format!("`{name}` does not take {} arguments", list.len());
            Err(SqlError::at(call.span(), message))
        }
    }
}

fn unknown(call: &Call, name: &str) -> SqlError {
    let message = match name {
        "tumble" | "hop" | "session" => {
            format!("`{name}` is only allowed in GROUP BY, and not within another expression")
        }
        _ => {
            let known = NAMES
                .into_iter()
                .chain(aggregates::NAMES)
                .chain(["tumble", "hop", "session"]);
            format!("unknown function `{name}`; {}", suggestion(name, known))
        }
    };
    SqlError::at(call.span(), message)
}

/// Binds functions for which the parser has a syntax of their own.
pub(super) fn special(binder: &mut Binder<'_, '_, '_>, ast: &Ast) -> Result<Bound, SqlError> {
    match ast {
        Ast::Extract { field, expr, .. } => extract(binder, &field.to_string(), ast, expr),
        Ast::Ceil {
            expr,
            field: CeilFloorKind::DateTimeField(field),
        } if is_none(field) => whole(binder, expr, true),
        Ast::Floor {
            expr,
            field: CeilFloorKind::DateTimeField(field),
        } if is_none(field) => whole(binder, expr, false),
        Ast::Substring {
            expr,
            substring_from: Some(start),
            substring_for,
            ..
        } => substr(binder, expr, start, substring_for.as_deref()),
        other => Err(unsupported(other, other.span())),
    }
}

/// The parser gives `ceil(x)` without a unit this one.
fn is_none(field: &sqlparser::ast::DateTimeField) -> bool {
    *field == sqlparser::ast::DateTimeField::NoDateTime
}

fn call_of(function: Function, arguments: Vec<Expr>, ty: SqlType) -> Bound {
    Bound {
        expr: Expr::Call(function, arguments),
        ty,
    }
}

/// Binds a function whose arguments must have these types.
fn typed(
    binder: &mut Binder<'_, '_, '_>,
    function: Function,
    arguments: &[(&Ast, SqlType)],
    result: SqlType,
) -> Result<Bound, SqlError> {
    let mut bound = Vec::new();
    for (ast, ty) in arguments {
        bound.push(binder.of_type(ast, *ty)?);
    }
    Ok(call_of(function, bound, result))
}

fn substr(
    binder: &mut Binder<'_, '_, '_>,
    text: &Ast,
    start: &Ast,
    length: Option<&Ast>,
) -> Result<Bound, SqlError> {
    let mut arguments = vec![(text, SqlType::Text), (start, SqlType::Bigint)];
    arguments.extend(length.map(|length| (length, SqlType::Bigint)));
    let function = match length {
        Some(_) => Function::Substr,
        None => Function::SubstrToEnd,
    };
    typed(binder, function, &arguments, SqlType::Text)
}

fn concat(binder: &mut Binder<'_, '_, '_>, list: &[&Ast]) -> Result<Bound, SqlError> {
    let mut arguments = Vec::new();
    for ast in list {
        arguments.push(binder.bind(ast)?.into(SqlType::Text));
    }
    Ok(call_of(Function::Concat, arguments, SqlType::Text))
}

/// Returns the name of a part of a time, which must be a text literal.
fn part_name(ast: &Ast) -> Result<&str, SqlError> {
    literals::text(ast).ok_or_else(|| {
        let message = format!("expected a part such as 'minute', found `{ast}`");
        SqlError::at(ast.span(), message)
    })
}

fn part_named(name: &str, truncates: bool, ast: &Ast) -> Result<DatePart, SqlError> {
    DatePart::of(name, truncates).ok_or_else(|| {
        let known = DatePart::names(truncates);
        let message = format!(
            "`{name}` is not a part of a time here; {}",
            suggestion(name, known)
        );
        SqlError::at(ast.span(), message)
    })
}

fn extract(
    binder: &mut Binder<'_, '_, '_>,
    part: &str,
    place: &Ast,
    time: &Ast,
) -> Result<Bound, SqlError> {
    let time = vec![binder.of_type(time, SqlType::Timestamp)?];
    if part.eq_ignore_ascii_case("epoch") {
        return Ok(call_of(Function::Epoch, time, SqlType::Double));
    }
    let part = part_named(part, false, place)?;
    Ok(call_of(Function::Extract(part), time, SqlType::Bigint))
}

/// Binds a number. NULL becomes a double.
fn number(binder: &mut Binder<'_, '_, '_>, ast: &Ast) -> Result<Bound, SqlError> {
    let bound = binder.number(ast)?;
    Ok(match bound.ty {
        SqlType::Null => Bound {
            ty: SqlType::Double,
            ..bound
        },
        _ => bound,
    })
}

fn abs(binder: &mut Binder<'_, '_, '_>, ast: &Ast) -> Result<Bound, SqlError> {
    let Bound { expr, ty } = number(binder, ast)?;
    Ok(call_of(Function::Abs(Numbers::of(ty)), vec![expr], ty))
}

fn round(
    binder: &mut Binder<'_, '_, '_>,
    ast: &Ast,
    digits: Option<&Ast>,
) -> Result<Bound, SqlError> {
    /// More digits than a number can have, on both sides of the point.
    const DIGITS: std::ops::RangeInclusive<i64> = -400..=400;
    let count = digits
        .map_or(Some(0), literals::integer)
        .filter(|count| DIGITS.contains(count));
    let Some(count) = count.and_then(|count| i16::try_from(count).ok()) else {
        let place = digits.unwrap_or(ast);
        let message = format!("expected a number of digits, found `{place}`");
        return Err(SqlError::at(place.span(), message));
    };
    let Bound { expr, ty } = number(binder, ast)?;
    let Some(scale) = ty.scale() else {
        return Ok(call_of(Function::RoundDouble(count), vec![expr], ty));
    };
    let count = count.min(i16::from(scale));
    let kept = u8::try_from(count).unwrap_or_default();
    let rounded = match ty {
        SqlType::Decimal(_) => SqlType::Decimal(kept),
        integer => integer,
    };
    let function = Function::Round(Numbers::of(ty), scale, count);
    Ok(call_of(function, vec![expr], rounded))
}

/// `floor` and `ceil`. Those of an integer are doubles, as in DuckDB.
fn whole(binder: &mut Binder<'_, '_, '_>, ast: &Ast, up: bool) -> Result<Bound, SqlError> {
    let bound = number(binder, ast)?;
    let function = match (bound.ty, up) {
        (SqlType::Decimal(scale), true) => Function::Ceil(scale),
        (SqlType::Decimal(scale), false) => Function::Floor(scale),
        (_, true) => Function::CeilDouble,
        (_, false) => Function::FloorDouble,
    };
    match bound.ty {
        SqlType::Decimal(_) => Ok(call_of(function, vec![bound.expr], SqlType::Decimal(0))),
        _ => Ok(call_of(
            function,
            vec![bound.into(SqlType::Double)],
            SqlType::Double,
        )),
    }
}

/// NULL if both sides are equal, otherwise the left side.
fn null_if(binder: &mut Binder<'_, '_, '_>, left: &Ast, right: &Ast) -> Result<Bound, SqlError> {
    let equal = binder.comparison(Comparison::Equal, left, right)?;
    let Bound { expr, ty } = binder.bind(left)?;
    let null = Expr::Literal(Literal::Null);
    Ok(Bound {
        expr: Expr::Case(vec![(equal, null)], Box::new(expr)),
        ty,
    })
}

fn of_common(
    binder: &mut Binder<'_, '_, '_>,
    function: Function,
    list: &[&Ast],
) -> Result<Bound, SqlError> {
    let (arguments, ty) = binder.common(list)?;
    Ok(call_of(function, arguments, ty))
}
