//! Literals and the names of types.

use sqlparser::ast::{
    DataType, ExactNumberInfo, Expr as Ast, UnaryOperator, Value as Token, ValueWithSpan,
};
use sqlparser::tokenizer::Span;

use super::expressions::Bound;
use crate::calendar;
use crate::error::SqlError;
use crate::exact;
use crate::plan::{Expr, Literal};
use crate::types::{DIGITS_MAX, SqlType};

const TYPES: &str = "BOOLEAN, BIGINT, HUGEINT, DOUBLE, DECIMAL(p, s), TEXT or TIMESTAMP";

pub(super) fn literal(value: &ValueWithSpan) -> Result<Bound, SqlError> {
    let bound = |literal, ty| Bound {
        expr: Expr::Literal(literal),
        ty,
    };
    Ok(match &value.value {
        Token::Null => bound(Literal::Null, SqlType::Null),
        Token::Boolean(value) => bound(Literal::Boolean(*value), SqlType::Boolean),
        Token::SingleQuotedString(text) => bound(Literal::Text(text.clone()), SqlType::Text),
        Token::Number(text, false) => {
            let (literal, ty) = number(text).ok_or_else(|| {
                let message = format!(
                    "the number `{text}` is too large: a number has at most {DIGITS_MAX} digits, or, with an exponent, \
                     the range of a DOUBLE"
                );
                SqlError::at(value.span, message)
            })?;
            bound(literal, ty)
        }
        other => {
            let message = format!(
                "`{other}` is not supported; expected a number, a 'text', TRUE, FALSE or NULL"
            );
            return Err(SqlError::at(value.span, message));
        }
    })
}

/// A number with an exponent is a double, one with a point a decimal.
fn number(text: &str) -> Option<(Literal, SqlType)> {
    let text = &text.replace('_', "");
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().ok()?;
        return value
            .is_finite()
            .then_some((Literal::Double(value), SqlType::Double));
    }
    let scale = text
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let scale = u8::try_from(scale)
        .ok()
        .filter(|scale| *scale <= DIGITS_MAX)?;
    let units = exact::parse(text, scale)?;
    let ty = match scale {
        0 if i64::try_from(units).is_ok() => SqlType::Bigint,
        0 => SqlType::Hugeint,
        _ => SqlType::Decimal(scale),
    };
    Some((Literal::Exact(units, ty.scale().unwrap_or_default()), ty))
}

/// A literal with its type, such as `TIMESTAMP '2025-01-01 00:00:00'`.
pub(super) fn typed(ty: &DataType, value: &ValueWithSpan) -> Result<Bound, SqlError> {
    let mut bound = literal(value)?;
    match data_type(ty, value.span)?.0 {
        SqlType::Timestamp => as_time(&mut bound, value.span)?,
        other => {
            let message = format!("use CAST for a literal of type {other}");
            return Err(SqlError::at(value.span, message));
        }
    }
    Ok(bound)
}

/// Converts a text literal to a time. Other expressions stay as they are.
pub(super) fn as_time(bound: &mut Bound, span: Span) -> Result<(), SqlError> {
    let Expr::Literal(Literal::Text(text)) = &bound.expr else {
        return Ok(());
    };
    let time = calendar::parse(text).ok_or_else(|| {
        let message =
            format!("`{text}` is not a time; expected one such as '2025-01-31T12:00:00Z'");
        SqlError::at(span, message)
    })?;
    *bound = Bound {
        expr: Expr::Literal(Literal::Timestamp(time)),
        ty: SqlType::Timestamp,
    };
    Ok(())
}

/// Returns the value of an integer literal, which can be negative.
pub(super) fn integer(ast: &Ast) -> Option<i64> {
    match ast {
        Ast::Nested(inner) => integer(inner),
        Ast::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => integer(expr)?.checked_neg(),
        Ast::Value(ValueWithSpan {
            value: Token::Number(text, false),
            ..
        }) => text.replace('_', "").parse().ok(),
        _ => None,
    }
}

/// Returns the value of a numeric literal.
pub(super) fn fraction(ast: &Ast) -> Option<f64> {
    match ast {
        Ast::Value(ValueWithSpan {
            value: Token::Number(text, false),
            ..
        }) => text.parse().ok(),
        _ => None,
    }
}

/// Returns the text of a text literal.
pub(super) fn text(ast: &Ast) -> Option<&str> {
    match ast {
        Ast::Value(ValueWithSpan {
            value: Token::SingleQuotedString(text),
            ..
        }) => Some(text),
        _ => None,
    }
}

/// Returns the type, and the largest number of digits of its numbers.
pub(super) fn data_type(ty: &DataType, span: Span) -> Result<(SqlType, u8), SqlError> {
    let ty = match ty {
        DataType::Boolean | DataType::Bool => SqlType::Boolean,
        DataType::BigInt(None) => SqlType::Bigint,
        DataType::HugeInt => SqlType::Hugeint,
        DataType::Double(_) => SqlType::Double,
        DataType::Text | DataType::Varchar(None) => SqlType::Text,
        DataType::Timestamp(None, _) => SqlType::Timestamp,
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(digits, scale))
        | DataType::Numeric(ExactNumberInfo::PrecisionAndScale(digits, scale))
            if (1..=u64::from(DIGITS_MAX)).contains(digits)
                && u64::try_from(*scale).is_ok_and(|scale| scale <= *digits) =>
        {
            let [digits, scale] = [*digits, scale.unsigned_abs()];
            let [digits, scale] =
                [digits, scale].map(|count| u8::try_from(count).unwrap_or(DIGITS_MAX));
            return Ok((SqlType::Decimal(scale), digits));
        }
        other => {
            let message = format!("unknown type `{other}`; expected {TYPES}");
            return Err(SqlError::at(span, message));
        }
    };
    Ok((ty, DIGITS_MAX))
}
