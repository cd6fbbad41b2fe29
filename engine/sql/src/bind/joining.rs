//! Joins: splits a plan over the columns of the source and of the table into the part that runs before the table is
//! joined, and the part that runs after it.

use sqlparser::ast::{BinaryOperator, Expr as Ast, Spanned};

use super::expressions::Bound;
use super::from::Joined;
use super::scope::Scope;
use crate::error::SqlError;
use crate::plan::{Expr, Join, Key, Plan, WindowPlan};
use crate::table::Table;

/// Splits a plan. Before the join, records are grouped by what the join needs of them: the expression that is looked
/// up, the expressions of `GROUP BY` over the source alone, and the columns of the source that are used together with
/// the table.
pub(super) fn split(plan: Plan, joined: Joined<'_>, scope: &Scope<'_>) -> Result<Plan, SqlError> {
    if !matches!(plan.window, WindowPlan::Hopping { .. }) {
        let message = "a table is joined as it was when a window began, so JOIN needs TUMBLE or HOP; sessions can \
                       still move their start";
        return Err(SqlError::at(joined.place, message));
    }
    let mut before = Before {
        scope,
        table_width: joined.table.columns().len(),
        keys: Vec::new(),
    };
    let lookup = before.add(looked_up(joined, scope)?);
    let (after_filter, filter): (Vec<Expr>, Vec<Expr>) = conditions(plan.filter)
        .into_iter()
        .partition(|condition| scope.reads_table(condition));
    let keys = plan.keys.iter().map(|key| before.key(key));
    let keys = keys.collect();
    let after_filter = after_filter.iter().map(|expr| before.after(expr));
    let join = Join {
        table: joined.table.clone(),
        is_inner: joined.is_inner,
        lookup,
        filter: all(after_filter.collect()),
        keys,
    };
    Ok(Plan {
        filter: all(filter),
        keys: before.keys,
        join: Some(join),
        ..plan
    })
}

/// The keys by which records are grouped before the join.
struct Before<'r, 's> {
    scope: &'r Scope<'s>,
    table_width: usize,
    keys: Vec<Key>,
}

impl Before<'_, '_> {
    /// Returns the number of a key, which is added if it is not there.
    fn add(&mut self, Bound { expr, ty }: Bound) -> usize {
        let known = self.keys.iter().position(|key| key.expr == expr);
        known.unwrap_or_else(|| {
            self.keys.push(Key { expr, ty });
            self.keys.len() - 1
        })
    }

    /// Returns a key over joined rows in place of one over the columns of the source and of the table.
    fn key(&mut self, key: &Key) -> Key {
        let Key { expr, ty } = key.clone();
        let expr = if self.scope.reads_table(&expr) {
            self.after(&expr)
        } else {
            Expr::Column(self.table_width + self.add(Bound { expr, ty }))
        };
        Key { expr, ty }
    }

    /// Returns an expression over joined rows in place of one over the columns of the source and of the table.
    fn after(&mut self, expr: &Expr) -> Expr {
        let width = self.scope.width();
        expr.with_columns(&mut |number| match number.checked_sub(width) {
            Some(column) => column,
            None => {
                let ty = self.scope.type_of(number);
                let expr = Expr::Column(number);
                self.table_width + self.add(Bound { expr, ty })
            }
        })
    }
}

/// Returns the expression of the source that must equal the table's key.
fn looked_up(joined: Joined<'_>, scope: &Scope<'_>) -> Result<Bound, SqlError> {
    let Joined { table, on, .. } = joined;
    let key = &table.columns()[table.key()];
    let mut condition = on;
    while let Ast::Nested(inner) = condition {
        condition = inner;
    }
    let Ast::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = condition
    else {
        return Err(SqlError::at(on.span(), expected(table)));
    };
    let is_key = |bound: &Bound| bound.expr == Expr::Column(scope.width() + table.key());
    let (bound, ast) = match (scope.bind(left)?, scope.bind(right)?) {
        (other, bound) if is_key(&bound) => (other, left),
        (bound, other) if is_key(&bound) => (other, right),
        _ => return Err(SqlError::at(on.span(), expected(table))),
    };
    if scope.reads_table(&bound.expr) {
        return Err(SqlError::at(ast.span(), expected(table)));
    }
    if bound.ty != key.ty {
        let message = format!(
            "`{ast}` is {}, but the key of `{}` is {}; CAST converts it",
            bound.ty,
            table.name(),
            key.ty
        );
        return Err(SqlError::at(ast.span(), message));
    }
    Ok(bound)
}

fn expected(table: &Table) -> String {
    let (name, key) = (table.name(), &table.columns()[table.key()].name);
    format!(
        "expected ON with an expression of the source and the table's key, such as `column = {name}.{key}`; put other \
         conditions into WHERE"
    )
}

/// Returns the conditions that must all be true.
fn conditions(filter: Option<Expr>) -> Vec<Expr> {
    match filter {
        None => Vec::new(),
        Some(Expr::And(parts)) => {
            let parts = parts.into_iter();
            parts.flat_map(|part| conditions(Some(part))).collect()
        }
        Some(other) => vec![other],
    }
}

fn all(mut conditions: Vec<Expr>) -> Option<Expr> {
    match conditions.len() {
        0 => None,
        1 => conditions.pop(),
        _ => Some(Expr::And(conditions)),
    }
}
