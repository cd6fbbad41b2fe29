//! Operators: arithmetic, comparisons, logic, `||` and `LIKE`.

use sqlparser::ast::{BinaryOperator, Expr as Ast, Spanned, UnaryOperator};

use super::expressions::{Binder, Bound, negate_if, unsupported};
use super::literals;
use crate::error::SqlError;
use crate::functions::Function;
use crate::numbers::Numbers;
use crate::plan::{Arithmetic, Comparison, Expr, Literal};
use crate::types::{DIGITS_MAX, SqlType};

pub(super) fn unary(
    binder: &mut Binder<'_, '_, '_>,
    operator: UnaryOperator,
    inner: &Ast,
) -> Result<Bound, SqlError> {
    match operator {
        UnaryOperator::Not => Ok(negate_if(true, binder.condition(inner)?)),
        UnaryOperator::Plus => binder.number(inner),
        UnaryOperator::Minus => {
            let bound = binder.number(inner)?;
            let zero = match bound.ty {
                SqlType::Double => Literal::Double(0.0),
                _ => Literal::Exact(0, bound.ty.scale().unwrap_or_default()),
            };
            let zero = Bound {
                expr: Expr::Literal(zero),
                ty: bound.ty,
            };
            Ok(calculate(Arithmetic::Subtract, zero, bound))
        }
        other => Err(SqlError::at(
            inner.span(),
            format!("the operator `{other}` is not supported"),
        )),
    }
}

pub(super) fn binary(
    binder: &mut Binder<'_, '_, '_>,
    left: &Ast,
    operator: &BinaryOperator,
    right: &Ast,
    whole: &Ast,
) -> Result<Bound, SqlError> {
    let comparison = match operator {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        BinaryOperator::And => {
            return chain(binder, left, operator, right).map(|all| Bound::boolean(Expr::And(all)));
        }
        BinaryOperator::Or => {
            return chain(binder, left, operator, right).map(|all| Bound::boolean(Expr::Or(all)));
        }
        BinaryOperator::StringConcat => return concatenation(binder, left, right),
        other => return arithmetic(binder, left, other, right, whole),
    };
    binder
        .comparison(comparison, left, right)
        .map(Bound::boolean)
}

/// Binds the conditions of a chain such as `a AND b AND c`, which the parser nests on the left.
fn chain(
    binder: &mut Binder<'_, '_, '_>,
    mut left: &Ast,
    operator: &BinaryOperator,
    right: &Ast,
) -> Result<Vec<Expr>, SqlError> {
    let mut list = vec![right];
    while let Ast::BinaryOp {
        left: inner,
        op,
        right,
    } = left
        && op == operator
    {
        list.push(right);
        left = inner;
    }
    list.push(left);
    list.into_iter()
        .rev()
        .map(|condition| binder.condition(condition))
        .collect()
}

/// `||`: NULL if a side is NULL, unlike `concat`.
fn concatenation(
    binder: &mut Binder<'_, '_, '_>,
    left: &Ast,
    right: &Ast,
) -> Result<Bound, SqlError> {
    let left = binder.of_type(left, SqlType::Text)?;
    let right = binder.of_type(right, SqlType::Text)?;
    Ok(Bound {
        expr: Expr::Call(Function::Join, vec![left, right]),
        ty: SqlType::Text,
    })
}

fn arithmetic(
    binder: &mut Binder<'_, '_, '_>,
    left: &Ast,
    operator: &BinaryOperator,
    right: &Ast,
    whole: &Ast,
) -> Result<Bound, SqlError> {
    let operation = match operator {
        BinaryOperator::Plus => Arithmetic::Add,
        BinaryOperator::Minus => Arithmetic::Subtract,
        BinaryOperator::Multiply => Arithmetic::Multiply,
        BinaryOperator::Divide | BinaryOperator::DuckIntegerDivide => Arithmetic::Divide,
        BinaryOperator::Modulo => Arithmetic::Remainder,
        other => {
            return Err(SqlError::at(
                whole.span(),
                format!("the operator `{other}` is not supported"),
            ));
        }
    };
    let asts = [left, right];
    let (left, right) = (binder.number(left)?, binder.number(right)?);
    match operator {
        BinaryOperator::Divide => {
            let double = |bound: Bound| Bound {
                expr: bound.into(SqlType::Double),
                ty: SqlType::Double,
            };
            return Ok(calculate(operation, double(left), double(right)));
        }
        BinaryOperator::DuckIntegerDivide => {
            for (bound, ast) in [&left, &right].into_iter().zip(asts) {
                if !matches!(bound.ty, SqlType::Bigint | SqlType::Hugeint | SqlType::Null) {
                    let message = format!("`//` divides integers, but `{ast}` is {}", bound.ty);
                    return Err(SqlError::at(ast.span(), message));
                }
            }
        }
        BinaryOperator::Multiply => return multiply(left, right, whole),
        _ => {}
    }
    Ok(calculate(operation, left, right))
}

/// The digits after the point of an exact product are those of both factors.
fn multiply(left: Bound, right: Bound, whole: &Ast) -> Result<Bound, SqlError> {
    let (Some(left_scale), Some(right_scale)) = (left.ty.scale(), right.ty.scale()) else {
        return Ok(calculate(Arithmetic::Multiply, left, right));
    };
    let scale = left_scale + right_scale;
    if scale > DIGITS_MAX {
        let message = format!(
            "the product has {scale} digits after the point, and at most {DIGITS_MAX} are allowed; CAST a factor to \
             DOUBLE or to fewer digits"
        );
        return Err(SqlError::at(whole.span(), message));
    }
    let both_bigint = left.ty == SqlType::Bigint && right.ty == SqlType::Bigint;
    let is_decimal = |bound: &Bound| matches!(bound.ty, SqlType::Decimal(_));
    let ty = match (is_decimal(&left) || is_decimal(&right), both_bigint) {
        (true, _) => SqlType::Decimal(scale),
        (false, true) => SqlType::Bigint,
        (false, false) => SqlType::Hugeint,
    };
    let numbers = Numbers::of(ty);
    let (left, right) = (Box::new(left.expr), Box::new(right.expr));
    let expr = Expr::Arithmetic(Arithmetic::Multiply, numbers, left, right);
    Ok(Bound { expr, ty })
}

/// Calculates with two numbers, converted to their common type.
fn calculate(operation: Arithmetic, left: Bound, right: Bound) -> Bound {
    let ty = left.ty.common(right.ty).unwrap_or(SqlType::Null);
    let numbers = Numbers::of(ty);
    let (left, right) = (Box::new(left.into(ty)), Box::new(right.into(ty)));
    Bound {
        expr: Expr::Arithmetic(operation, numbers, left, right),
        ty,
    }
}

pub(super) fn like(binder: &mut Binder<'_, '_, '_>, ast: &Ast) -> Result<Bound, SqlError> {
    let (Ast::Like {
        negated,
        any: false,
        expr,
        pattern,
        escape_char,
    }
    | Ast::ILike {
        negated,
        any: false,
        expr,
        pattern,
        escape_char,
    }) = ast
    else {
        return Err(unsupported(ast, ast.span()));
    };
    let escape = match escape_char.as_deref() {
        None => None,
        Some(ast) => {
            let mut characters = literals::text(ast).unwrap_or_default().chars();
            match (characters.next(), characters.next()) {
                (Some(escape), None) => Some(escape),
                _ => {
                    let message = format!("expected ESCAPE with one character, found `{ast}`");
                    return Err(SqlError::at(ast.span(), message));
                }
            }
        }
    };
    let like = Expr::Like {
        text: Box::new(binder.of_type(expr, SqlType::Text)?),
        pattern: Box::new(binder.of_type(pattern, SqlType::Text)?),
        escape,
        ignore_case: matches!(ast, Ast::ILike { .. }),
    };
    Ok(negate_if(*negated, like))
}
