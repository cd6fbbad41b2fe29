//! Expressions: each is bound together with its type.

use sqlparser::ast::{CaseWhen, CastKind, DataType, Expr as Ast, InTarget, Spanned, TypedString};
use sqlparser::tokenizer::Span;

use super::groups::Groups;
use super::scope::Scope;
use super::{aggregates, calls, literals, operators};
use crate::error::SqlError;
use crate::plan::{Comparison, Expr, Literal};
use crate::types::{DIGITS_MAX, SqlType};

/// An expression and its type.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) expr: Expr,
    pub(super) ty: SqlType,
}

impl Bound {
    pub(super) fn boolean(expr: Expr) -> Self {
        Self {
            expr,
            ty: SqlType::Boolean,
        }
    }

    /// Returns the expression, converted to a type that can represent its values: one that [`SqlType::common`]
    /// returned, or text.
    pub(super) fn into(self, ty: SqlType) -> Expr {
        if self.ty == ty
            || self.ty == SqlType::Null
            || self.ty.scale() == Some(0) && ty == SqlType::Hugeint
        {
            return self.expr;
        }
        Expr::Cast(Box::new(self.expr), self.ty, ty, DIGITS_MAX)
    }
}

/// Binds expressions over rows or over groups of rows.
pub(super) struct Binder<'g, 'r, 's> {
    names: Names<'g, 'r, 's>,
}

enum Names<'g, 'r, 's> {
    Rows(&'r Scope<'s>),
    Groups(&'g mut Groups<'r, 's>),
}

impl<'r, 's> Binder<'_, 'r, 's> {
    pub(super) fn of_rows(scope: &'r Scope<'s>) -> Self {
        Self {
            names: Names::Rows(scope),
        }
    }
}

impl<'g, 'r, 's> Binder<'g, 'r, 's> {
    pub(super) fn of_groups(groups: &'g mut Groups<'r, 's>) -> Self {
        Self {
            names: Names::Groups(groups),
        }
    }

    /// Returns the groups and their scope, if the expression is over groups.
    pub(super) fn groups(&mut self) -> Option<&mut Groups<'r, 's>> {
        match &mut self.names {
            Names::Rows(_) => None,
            Names::Groups(groups) => Some(groups),
        }
    }

    pub(super) fn bind(&mut self, ast: &Ast) -> Result<Bound, SqlError> {
        let scope = match &self.names {
            Names::Rows(scope) => scope,
            Names::Groups(groups) => groups.scope(),
        };
        let _level = scope.descend(ast)?;
        if let Names::Groups(groups) = &self.names
            && !matches!(ast, Ast::Value(_))
            && let Ok(row) = groups.scope().bind(ast)
            && let Some(key) = groups.key(&row)
        {
            return Ok(key);
        }
        self.bind_parts(ast)
    }

    fn bind_parts(&mut self, ast: &Ast) -> Result<Bound, SqlError> {
        match ast {
            Ast::Nested(inner) => self.bind(inner),
            Ast::Value(value) => literals::literal(value),
            Ast::TypedString(TypedString {
                data_type, value, ..
            }) => literals::typed(data_type, value),
            Ast::Identifier(name) => match &self.names {
                Names::Rows(scope) => scope.column(name),
                Names::Groups(groups) => groups.column(name),
            },
            Ast::CompoundIdentifier(names) => match &self.names {
                Names::Rows(scope) => scope.qualified(names),
                Names::Groups(groups) => groups.qualified(names),
            },
            Ast::UnaryOp { op, expr } => operators::unary(self, *op, expr),
            Ast::BinaryOp { left, op, right } => operators::binary(self, left, op, right, ast),
            Ast::Function(call) => {
                if aggregates::is_aggregate(call) {
                    return aggregates::bind(self, call);
                }
                calls::bind(self, call)
            }
            Ast::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Ast::Cast {
                kind,
                expr,
                data_type,
                format: None,
            } => self.cast(kind, expr, data_type),
            Ast::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let above = self.comparison(Comparison::GreaterOrEqual, expr, low)?;
                let below = self.comparison(Comparison::LessOrEqual, expr, high)?;
                Ok(negate_if(*negated, Expr::And(vec![above, below])))
            }
            Ast::In {
                expr,
                target: InTarget::List(list),
                negated,
                global: false,
            } => self.in_list(expr, list, *negated),
            _ => self.bind_special(ast),
        }
    }

    /// Binds conditions of the form `… IS …` and `… LIKE …`, and functions with a syntax of their own.
    fn bind_special(&mut self, ast: &Ast) -> Result<Bound, SqlError> {
        let (inner, (truth, negated)) = match ast {
            Ast::IsNull(inner) => return self.is_null(inner, false),
            Ast::IsNotNull(inner) => return self.is_null(inner, true),
            Ast::IsDistinctFrom(left, right) => return self.distinct(left, right, false),
            Ast::IsNotDistinctFrom(left, right) => return self.distinct(left, right, true),
            Ast::Like { .. } | Ast::ILike { .. } => return operators::like(self, ast),
            Ast::IsTrue(inner) => (inner, (Some(true), false)),
            Ast::IsNotTrue(inner) => (inner, (Some(true), true)),
            Ast::IsFalse(inner) => (inner, (Some(false), false)),
            Ast::IsNotFalse(inner) => (inner, (Some(false), true)),
            Ast::IsUnknown(inner) => (inner, (None, false)),
            Ast::IsNotUnknown(inner) => (inner, (None, true)),
            other => return calls::special(self, other),
        };
        let condition = Box::new(self.condition(inner)?);
        Ok(negate_if(negated, Expr::IsTruth(condition, truth)))
    }

    /// Binds an expression that must be a condition.
    pub(super) fn condition(&mut self, ast: &Ast) -> Result<Expr, SqlError> {
        let bound = self.bind(ast)?;
        match bound.ty {
            SqlType::Boolean | SqlType::Null => Ok(bound.expr),
            other => {
                let message = format!("expected a condition, but `{ast}` is {other}");
                Err(SqlError::at(ast.span(), message))
            }
        }
    }

    /// Binds an expression that must be a number, or NULL.
    pub(super) fn number(&mut self, ast: &Ast) -> Result<Bound, SqlError> {
        let bound = self.bind(ast)?;
        if bound.ty.is_numeric() || bound.ty == SqlType::Null {
            return Ok(bound);
        }
        let message = format!("expected a number, but `{ast}` is {}", bound.ty);
        Err(SqlError::at(ast.span(), message))
    }

    fn is_null(&mut self, inner: &Ast, negated: bool) -> Result<Bound, SqlError> {
        let inner = self.bind(inner)?;
        Ok(negate_if(negated, Expr::IsNull(Box::new(inner.expr))))
    }

    fn distinct(&mut self, left: &Ast, right: &Ast, negated: bool) -> Result<Bound, SqlError> {
        let [left, right] = self.alike(left, right)?;
        Ok(negate_if(
            negated,
            Expr::IsDistinct(Box::new(left), Box::new(right)),
        ))
    }

    pub(super) fn comparison(
        &mut self,
        comparison: Comparison,
        left: &Ast,
        right: &Ast,
    ) -> Result<Expr, SqlError> {
        let [left, right] = self.alike(left, right)?;
        Ok(Expr::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn in_list(&mut self, ast: &Ast, list: &[Ast], negated: bool) -> Result<Bound, SqlError> {
        let all: Vec<&Ast> = std::iter::once(ast).chain(list).collect();
        let (mut values, _) = self.common(&all)?;
        let value = values.remove(0);
        Ok(negate_if(negated, Expr::In(Box::new(value), values)))
    }

    /// Binds two expressions and converts them to a common type.
    pub(super) fn alike(&mut self, left: &Ast, right: &Ast) -> Result<[Expr; 2], SqlError> {
        let (values, _) = self.common(&[left, right])?;
        values
            .try_into()
            .map_err(|_| SqlError::at(left.span(), "expected two expressions"))
    }

    /// Binds expressions and converts them to a common type. A text literal becomes a time where one is expected.
    pub(super) fn common(&mut self, asts: &[&Ast]) -> Result<(Vec<Expr>, SqlType), SqlError> {
        let mut bound = Vec::new();
        for ast in asts {
            bound.push(self.bind(ast)?);
        }
        if bound.iter().any(|value| value.ty == SqlType::Timestamp) {
            for (value, ast) in bound.iter_mut().zip(asts) {
                literals::as_time(value, ast.span())?;
            }
        }
        let mut ty = SqlType::Null;
        for (value, ast) in bound.iter().zip(asts) {
            ty = ty.common(value.ty).ok_or_else(|| {
                let message = format!(
                    "`{ast}` is {}, but {ty} is expected; CAST converts it",
                    value.ty
                );
                SqlError::at(ast.span(), message)
            })?;
        }
        Ok((bound.into_iter().map(|value| value.into(ty)).collect(), ty))
    }

    /// Binds an expression that must have a type.
    pub(super) fn of_type(&mut self, ast: &Ast, ty: SqlType) -> Result<Expr, SqlError> {
        let mut bound = self.bind(ast)?;
        if ty == SqlType::Timestamp {
            literals::as_time(&mut bound, ast.span())?;
        }
        if bound.ty == ty || bound.ty == SqlType::Null {
            return Ok(bound.expr);
        }
        if ty == SqlType::Double && bound.ty.is_numeric() {
            return Ok(bound.into(ty));
        }
        let message = format!("`{ast}` is {}, but {ty} is expected", bound.ty);
        Err(SqlError::at(ast.span(), message))
    }

    fn case(
        &mut self,
        operand: Option<&Ast>,
        branches: &[CaseWhen],
        otherwise: Option<&Ast>,
    ) -> Result<Bound, SqlError> {
        let mut conditions = Vec::new();
        for branch in branches {
            conditions.push(match operand {
                Some(operand) => self.comparison(Comparison::Equal, operand, &branch.condition)?,
                None => self.condition(&branch.condition)?,
            });
        }
        let results = branches
            .iter()
            .map(|branch| &branch.result)
            .chain(otherwise);
        let (mut results, ty) = self.common(&results.collect::<Vec<_>>())?;
        let otherwise = match otherwise {
            Some(_) => results.pop().unwrap_or(Expr::Literal(Literal::Null)),
            None => Expr::Literal(Literal::Null),
        };
        let branches = conditions.into_iter().zip(results).collect();
        Ok(Bound {
            expr: Expr::Case(branches, Box::new(otherwise)),
            ty,
        })
    }

    fn cast(&mut self, kind: &CastKind, inner: &Ast, to: &DataType) -> Result<Bound, SqlError> {
        if *kind == CastKind::SafeCast {
            return Err(SqlError::at(
                inner.span(),
                "SAFE_CAST is not supported; use TRY_CAST",
            ));
        }
        let (ty, digits) = literals::data_type(to, inner.span())?;
        let bound = self.bind(inner)?;
        let possible = match ty {
            SqlType::Timestamp => matches!(bound.ty, SqlType::Text | SqlType::Timestamp),
            SqlType::Text => true,
            _ => bound.ty != SqlType::Timestamp,
        };
        if !possible && bound.ty != SqlType::Null {
            let message = format!("a {} cannot be converted to {ty}", bound.ty);
            return Err(SqlError::at(inner.span(), message));
        }
        Ok(Bound {
            expr: Expr::Cast(Box::new(bound.expr), bound.ty, ty, digits),
            ty,
        })
    }
}

pub(super) fn negate_if(negated: bool, condition: Expr) -> Bound {
    Bound::boolean(if negated {
        Expr::Not(Box::new(condition))
    } else {
        condition
    })
}

pub(super) fn unsupported(ast: &Ast, span: Span) -> SqlError {
    SqlError::at(
        span,
        format!("`{ast}` is not supported in a query; docs/sql.md lists what is"),
    )
}
