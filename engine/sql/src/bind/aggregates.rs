//! Calls of aggregates.

use sqlparser::ast::{Expr as Ast, Function as Call, Spanned};

use super::arguments::{self, Arguments, name_of};
use super::expressions::{Binder, Bound};
use super::literals;
use super::scope::Scope;
use crate::error::SqlError;
use crate::plan::{Aggregate, AggregateKind, Expr};
use crate::types::SqlType;

pub(super) const NAMES: [&str; 8] = [
    "count", "sum", "min", "max", "avg", "quantile", "arg_min", "arg_max",
];

pub(super) fn is_aggregate(call: &Call) -> bool {
    NAMES.contains(&name_of(call).as_str())
}

pub(super) fn bind(binder: &mut Binder<'_, '_, '_>, call: &Call) -> Result<Bound, SqlError> {
    let name = name_of(call);
    let Some(groups) = binder.groups() else {
        let message = format!(
            "the aggregate `{name}` is only allowed in SELECT, HAVING and ORDER BY, and not within another aggregate"
        );
        return Err(SqlError::at(call.span(), message));
    };
    let scope = groups.scope();
    let arguments = arguments::of(call)?;
    let filter = match &call.filter {
        Some(filter) => Some(scope.condition(filter)?),
        None => None,
    };
    let (kind, argument, ty) = if name == "count" {
        count(scope, call, &arguments)?
    } else {
        if arguments.distinct || arguments.star {
            let message = format!("DISTINCT and `*` are only allowed in count, not in `{name}`");
            return Err(SqlError::at(call.span(), message));
        }
        value(scope, call, &name, &arguments.list)?
    };
    let aggregate = Aggregate {
        kind,
        argument,
        ty,
        filter,
        shares: None,
    };
    scope.check(&aggregate, call.span())?;
    Ok(groups.aggregate(aggregate))
}

type Parts = (AggregateKind, Option<Expr>, SqlType);

fn count(scope: &Scope<'_>, call: &Call, arguments: &Arguments<'_>) -> Result<Parts, SqlError> {
    let kind = if arguments.distinct {
        AggregateKind::CountDistinct
    } else {
        AggregateKind::Count
    };
    match arguments.list.as_slice() {
        [] if !arguments.distinct => Ok((kind, None, SqlType::Bigint)),
        [ast] => Ok((kind, Some(scope.bind(ast)?.expr), SqlType::Bigint)),
        _ => Err(SqlError::at(
            call.span(),
            "expected count(*), count(x) or count(DISTINCT x)",
        )),
    }
}

fn value(scope: &Scope<'_>, call: &Call, name: &str, list: &[&Ast]) -> Result<Parts, SqlError> {
    match (name, list) {
        ("min" | "max", [ast]) => {
            let Bound { expr, ty } = scope.bind(ast)?;
            let kind = if name == "min" {
                AggregateKind::Min
            } else {
                AggregateKind::Max
            };
            Ok((kind, Some(expr), ty))
        }
        ("sum" | "avg", [ast]) => sum(name, scope.number(ast)?),
        ("quantile", [ast, fraction]) => {
            let value = scope.number(ast)?.into(SqlType::Double);
            let Some(fraction) = literals::fraction(fraction).filter(|q| (0.0..=1.0).contains(q))
            else {
                let message = format!("expected a number between 0 and 1, found `{fraction}`");
                return Err(SqlError::at(fraction.span(), message));
            };
            Ok((
                AggregateKind::Quantile(fraction),
                Some(value),
                SqlType::Double,
            ))
        }
        ("arg_min" | "arg_max", [ast, by]) => {
            let Bound { expr, ty } = scope.bind(ast)?;
            let by = scope.bind(by)?.expr;
            let kind = if name == "arg_min" {
                AggregateKind::ArgMin(by)
            } else {
                AggregateKind::ArgMax(by)
            };
            Ok((kind, Some(expr), ty))
        }
        _ => {
            let expected = match name {
                "quantile" => "quantile(x, fraction)".to_owned(),
                "arg_min" | "arg_max" => format!("{name}(value, by)"),
                _ => format!("{name}(x)"),
            };
            let message = format!("expected {expected}, found {} arguments", list.len());
            Err(SqlError::at(call.span(), message))
        }
    }
}

fn sum(name: &str, argument: Bound) -> Result<Parts, SqlError> {
    let is_sum = name == "sum";
    let (kind, ty) = match argument.ty {
        SqlType::Double | SqlType::Null if is_sum => (AggregateKind::SumDouble, SqlType::Double),
        SqlType::Double | SqlType::Null => (AggregateKind::AvgDouble, SqlType::Double),
        exact => {
            let scale = exact.scale().unwrap_or_default();
            match exact {
                _ if !is_sum => (AggregateKind::Avg(scale), SqlType::Double),
                SqlType::Decimal(_) => (AggregateKind::Sum, exact),
                _ => (AggregateKind::Sum, SqlType::Hugeint),
            }
        }
    };
    Ok((kind, Some(argument.expr), ty))
}
