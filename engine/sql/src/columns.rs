//! The columns of its source that a plan reads.

use std::collections::BTreeSet;

use crate::plan::{Aggregate, AggregateKind, Expr, Join, Plan};
use crate::source::{Column, Source};
use crate::types::SqlType;

impl Plan {
    /// Describes the columns that the plan reads, and the event time: for example `amount decimal(18,2) at
    /// payment.amount, sent_at timestamp at sent_at`. A different text means that the results can differ.
    pub fn columns_read(&self, source: &Source) -> String {
        let mut numbers = self.columns_of_rows();
        numbers.extend(source.position(&source.event_time));
        let columns = numbers
            .iter()
            .filter_map(|number| source.columns.get(*number));
        columns.map(describe).collect::<Vec<_>>().join(", ")
    }

    /// Describes all columns that the plan reads, of the source and of the table.
    pub fn declarations(&self, source: &Source) -> String {
        let columns = self.columns_read(source);
        let Some(Join { table, .. }) = &self.join else {
            return columns;
        };
        let (name, key) = (table.name(), &table.columns()[table.key()].name);
        let declared: Vec<String> = table.columns().iter().map(describe).collect();
        let declared = declared.join(", ");
        format!("{columns}; of the table {name} by {key}: {declared}")
    }

    /// Returns the numbers of the columns that expressions over source rows read.
    pub(crate) fn columns_of_rows(&self) -> BTreeSet<usize> {
        let mut numbers: BTreeSet<usize> = self.unnest.into_iter().collect();
        let keys = self.keys.iter().map(|key| &key.expr);
        let aggregates = self.aggregates.iter().flat_map(Aggregate::exprs);
        for expr in self.filter.iter().chain(keys).chain(aggregates) {
            expr.columns(&mut |number| numbers.extend([number]));
        }
        numbers
    }
}

impl Aggregate {
    /// Returns the expressions that are evaluated for each row.
    pub(crate) fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let by = match &self.kind {
            AggregateKind::ArgMin(by) | AggregateKind::ArgMax(by) => Some(by),
            _ => None,
        };
        let parts = [self.argument.as_ref(), self.filter.as_ref(), by];
        parts.into_iter().flatten()
    }
}

fn describe(column: &Column) -> String {
    let ty = match column.ty {
        SqlType::Decimal(scale) => format!("decimal({},{scale})", column.digits),
        other => other.to_string().to_lowercase(),
    };
    format!("{} {ty} at {}", column.name, column.path)
}

impl Expr {
    /// Passes the number of each column in the expression to `see`.
    pub(crate) fn columns(&self, see: &mut impl FnMut(usize)) {
        self.with_columns(&mut |number| {
            see(number);
            number
        });
    }

    /// Returns the expression with other columns in place of its own.
    pub(crate) fn with_columns(&self, place: &mut impl FnMut(usize) -> usize) -> Self {
        let mut copy = self.clone();
        copy.replace_columns(place);
        copy
    }

    fn replace_columns(&mut self, place: &mut impl FnMut(usize) -> usize) {
        match self {
            Self::Column(number) => *number = place(*number),
            other => {
                let parts = other.parts_mut();
                parts
                    .into_iter()
                    .for_each(|part| part.replace_columns(place));
            }
        }
    }

    /// Returns the expressions of which this one consists.
    fn parts_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Column(_) | Self::Literal(_) => Vec::new(),
            Self::Not(part)
            | Self::IsNull(part)
            | Self::IsTruth(part, _)
            | Self::Cast(part, ..) => vec![part],
            Self::Compare(_, left, right)
            | Self::IsDistinct(left, right)
            | Self::Arithmetic(_, _, left, right) => vec![left, right],
            Self::Like { text, pattern, .. } => vec![text, pattern],
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => parts.iter_mut().collect(),
            Self::In(value, parts) => std::iter::once(value.as_mut()).chain(parts).collect(),
            Self::Case(branches, otherwise) => {
                let branches = branches.iter_mut();
                let branches = branches.flat_map(|(condition, value)| [condition, value]);
                branches.chain([otherwise.as_mut()]).collect()
            }
        }
    }
}
