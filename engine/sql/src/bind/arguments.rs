//! The arguments of a call.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Spanned,
};

use crate::error::SqlError;

/// What the parentheses of a call contain.
pub(super) struct Arguments<'a> {
    /// Whether `DISTINCT` precedes the arguments.
    pub(super) distinct: bool,
    /// Whether the only argument is `*`.
    pub(super) star: bool,
    pub(super) list: Vec<&'a Ast>,
}

/// Returns the name of a function in lower case.
pub(super) fn name_of(call: &Call) -> String {
    call.name.to_string().to_lowercase()
}

pub(super) fn of(call: &Call) -> Result<Arguments<'_>, SqlError> {
    let refuse = |what: &str| {
        Err(SqlError::at(
            call.span(),
            format!("{what} is not supported in `{}`", call.name),
        ))
    };
    if call.over.is_some() {
        return refuse("OVER");
    }
    if !call.within_group.is_empty() {
        return refuse("WITHIN GROUP");
    }
    if call.null_treatment.is_some() {
        return refuse("IGNORE NULLS or RESPECT NULLS");
    }
    let FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment,
        args,
        clauses,
    }) = &call.args
    else {
        return refuse("a call without a list of arguments");
    };
    if let Some(clause) = clauses.first() {
        return refuse(&format!("`{clause}`"));
    }
    let mut arguments = Arguments {
        distinct: *duplicate_treatment == Some(DuplicateTreatment::Distinct),
        star: false,
        list: Vec::new(),
    };
    for argument in args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(ast)) => arguments.list.push(ast),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if args.len() == 1 => {
                arguments.star = true;
            }
            other => return refuse(&format!("the argument `{other}`")),
        }
    }
    Ok(arguments)
}

/// Returns the arguments of a function of a single row.
pub(super) fn plain(call: &Call) -> Result<Vec<&Ast>, SqlError> {
    let arguments = of(call)?;
    if arguments.distinct || arguments.star || call.filter.is_some() {
        let message = format!(
            "DISTINCT, `*` and FILTER are only allowed in aggregates, and `{}` is none",
            call.name
        );
        return Err(SqlError::at(call.span(), message));
    }
    Ok(arguments.list)
}
