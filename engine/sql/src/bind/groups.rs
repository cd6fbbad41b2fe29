//! The expressions of a group of records: over the keys, the bounds of the window, and aggregates.

use sqlparser::ast::{Expr as Ast, Ident};
use sqlparser::tokenizer::Span;

use super::expressions::{Binder, Bound};
use super::scope::Scope;
use crate::error::SqlError;
use crate::plan::{Aggregate, BOUNDS, Expr, Key, Output, Plan, WindowPlan};
use crate::types::SqlType;

/// The columns of a group row, and the aggregates that have been needed so far.
pub(super) struct Groups<'r, 's> {
    scope: &'r Scope<'s>,
    keys: Vec<Bound>,
    has_windows: bool,
    aggregates: Vec<Aggregate>,
    /// The columns of the result by name, once they are known.
    named: Vec<(String, Bound)>,
}

impl<'r, 's> Groups<'r, 's> {
    pub(super) fn new(scope: &'r Scope<'s>, keys: Vec<Bound>, has_windows: bool) -> Self {
        Self {
            scope,
            keys,
            has_windows,
            aggregates: Vec::new(),
            named: Vec::new(),
        }
    }

    /// Makes the columns of the result known by name.
    pub(super) fn name_outputs(&mut self, outputs: &[Output]) {
        let named = outputs.iter().map(|output| {
            let bound = Bound {
                expr: output.expr.clone(),
                ty: output.ty,
            };
            (output.name.clone(), bound)
        });
        self.named = named.collect();
    }

    pub(super) fn scope(&self) -> &'r Scope<'s> {
        self.scope
    }

    pub(super) fn bind(&mut self, ast: &Ast) -> Result<Bound, SqlError> {
        Binder::of_groups(self).bind(ast)
    }

    pub(super) fn condition(&mut self, ast: &Ast) -> Result<Expr, SqlError> {
        Binder::of_groups(self).condition(ast)
    }

    /// Returns the numbers of the columns with the window's start and end.
    pub(super) fn bounds(&self) -> [usize; 2] {
        [self.keys.len(), self.keys.len() + 1]
    }

    /// Returns the number of the column with the rank, which follows the last aggregate.
    pub(super) fn rank(&self) -> usize {
        self.keys.len() + BOUNDS.len() + self.aggregates.len()
    }

    /// Returns the column of an expression that is a key.
    pub(super) fn key(&self, row: &Bound) -> Option<Bound> {
        let is_same = |key: &Bound| key.expr == row.expr && key.ty == row.ty;
        let number = self.keys.iter().position(is_same)?;
        Some(Bound {
            expr: Expr::Column(number),
            ty: self.keys[number].ty,
        })
    }

    /// Returns the column of an aggregate, which is computed once however often it is used.
    pub(super) fn aggregate(&mut self, mut aggregate: Aggregate) -> Bound {
        let ty = aggregate.ty;
        let mut others = self.aggregates.iter();
        let known = others.position(|other| other.equals(&aggregate));
        let number = known.unwrap_or_else(|| {
            let mut others = self.aggregates.iter();
            aggregate.shares = others.position(|other| other.can_share(&aggregate));
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        Bound {
            expr: Expr::Column(self.keys.len() + BOUNDS.len() + number),
            ty,
        }
    }

    /// Returns the column of a name that is not an expression of the row.
    pub(super) fn column(&self, name: &Ident) -> Result<Bound, SqlError> {
        let bound = BOUNDS
            .iter()
            .position(|bound| name.value.eq_ignore_ascii_case(bound));
        if let Some(bound) = bound.filter(|_| self.has_windows) {
            return Ok(Bound {
                expr: Expr::Column(self.bounds()[bound]),
                ty: SqlType::Timestamp,
            });
        }
        if let Some((_, bound)) = self
            .named
            .iter()
            .find(|(output, _)| output.eq_ignore_ascii_case(&name.value))
        {
            return Ok(bound.clone());
        }
        self.scope.column(name)?;
        Err(not_grouped(&name.value, name.span))
    }

    /// Refuses a column with a prefix that is no key.
    pub(super) fn qualified(&self, names: &[Ident]) -> Result<Bound, SqlError> {
        self.scope.qualified(names)?;
        let texts: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
        let place = names.first().map_or(Span::empty(), |name| name.span);
        Err(not_grouped(&texts.join("."), place))
    }

    /// Returns a plan with the keys and the aggregates; the other parts are empty.
    pub(super) fn into_plan(self) -> Plan {
        let keys = self
            .keys
            .into_iter()
            .map(|Bound { expr, ty }| Key { expr, ty });
        Plan {
            source: String::new(),
            unnest: None,
            filter: None,
            window: WindowPlan::None,
            keys: keys.collect(),
            join: None,
            aggregates: self.aggregates,
            outputs: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
        }
    }
}

fn not_grouped(name: &str, place: Span) -> SqlError {
    let message = format!(
        "`{name}` has a value for each record, but a row of the result is a group of records: add it to GROUP BY, or \
         use it in an aggregate such as max({name})"
    );
    SqlError::at(place, message)
}
