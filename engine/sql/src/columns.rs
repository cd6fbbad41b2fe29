//! The columns of its source that a plan reads.

use std::collections::BTreeSet;

use crate::plan::{AggregateKind, Expr, Plan};
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

    /// Returns the numbers of the columns that expressions over source rows read.
    pub(crate) fn columns_of_rows(&self) -> BTreeSet<usize> {
        let mut numbers: BTreeSet<usize> = self.unnest.into_iter().collect();
        let keys = self.keys.iter().map(|key| &key.expr);
        let aggregates = self.aggregates.iter().flat_map(|aggregate| {
            let by = match &aggregate.kind {
                AggregateKind::ArgMin(by) | AggregateKind::ArgMax(by) => Some(by),
                _ => None,
            };
            let parts = [aggregate.argument.as_ref(), aggregate.filter.as_ref(), by];
            parts.into_iter().flatten()
        });
        for expr in self.filter.iter().chain(keys).chain(aggregates) {
            expr.visit(&mut |part| {
                if let Expr::Column(number) = part {
                    numbers.insert(*number);
                }
            });
        }
        numbers
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
    /// Passes the expression and all its parts to `see`.
    fn visit<'e>(&'e self, see: &mut impl FnMut(&'e Expr)) {
        see(self);
        match self {
            Self::Column(_) | Self::Literal(_) => {}
            Self::Not(part)
            | Self::IsNull(part)
            | Self::IsTruth(part, _)
            | Self::Cast(part, ..) => part.visit(see),
            Self::Compare(_, left, right)
            | Self::IsDistinct(left, right)
            | Self::Arithmetic(_, _, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Self::Like { text, pattern, .. } => {
                text.visit(see);
                pattern.visit(see);
            }
            Self::And(parts) | Self::Or(parts) | Self::Call(_, parts) => {
                parts.iter().for_each(|part| part.visit(see));
            }
            Self::In(value, parts) => {
                value.visit(see);
                parts.iter().for_each(|part| part.visit(see));
            }
            Self::Case(branches, otherwise) => {
                for (condition, value) in branches {
                    condition.visit(see);
                    value.visit(see);
                }
                otherwise.visit(see);
            }
        }
    }
}
