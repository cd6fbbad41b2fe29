//! The rows of a plan: source rows, which go in, and group rows, from which the rows of the result are computed.

use model::Window;

use crate::aggregate::State;
use crate::plan::Plan;
use crate::source::Record;
use crate::value::Value;

impl Plan {
    /// Passes to `add` each row that a record gives and that `WHERE` keeps. There is one row, or with `unnest` one for
    /// each element of the list.
    #[inline]
    pub(crate) fn rows_of<'a, E>(
        &self,
        record: &Record<'a>,
        mut add: impl FnMut(&[Value<'a>]) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(list) = self.unnest {
            return self.unnested(list, record, &mut add);
        }
        if self.leaves_out(&record.cells) {
            return Ok(());
        }
        add(&record.cells)
    }

    fn unnested<'a, E>(
        &self,
        list: usize,
        record: &Record<'a>,
        add: &mut dyn FnMut(&[Value<'a>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut row = record.cells.clone();
        let elements = record.lists.iter().find(|(column, _)| *column == list);
        for element in elements.map(|(_, elements)| elements).into_iter().flatten() {
            row.push(element.clone());
            if !self.leaves_out(&row) {
                add(&row)?;
            }
            row.pop();
        }
        Ok(())
    }

    /// Returns whether `WHERE` leaves out a row.
    #[inline]
    fn leaves_out(&self, row: &[Value<'_>]) -> bool {
        let filter = self.filter.as_ref();
        filter.is_some_and(|filter| !filter.holds(row))
    }

    /// Returns the states of the aggregates of no rows.
    pub(crate) fn new_states(&self) -> impl Iterator<Item = State> {
        self.aggregates.iter().map(State::new)
    }

    /// Returns the values that the outputs, `HAVING` and `ORDER BY` are computed from, except for the rank.
    pub(crate) fn group_row<'a>(
        &self,
        keys: impl Iterator<Item = Value<'a>>,
        window: Window,
        states: &'a [State],
    ) -> Vec<Value<'a>> {
        let bounds = [window.start, window.end].map(Value::Timestamp);
        let results = self.aggregates.iter().enumerate();
        let results = results.map(|(number, aggregate)| {
            states[aggregate.shares.unwrap_or(number)].finish(aggregate)
        });
        keys.chain(bounds).chain(results).collect()
    }

    /// Returns whether `HAVING` keeps a group row.
    pub(crate) fn keeps(&self, group_row: &[Value<'_>]) -> bool {
        let having = self.having.as_ref();
        having.is_none_or(|having| having.holds(group_row))
    }

    /// Returns the values of the result's row from a group row and its rank.
    pub(crate) fn result_row(
        &self,
        mut group_row: Vec<Value<'_>>,
        rank: i128,
    ) -> Vec<Value<'static>> {
        group_row.push(Value::Exact(rank.into()));
        let outputs = self.outputs.iter();
        outputs
            .map(|output| output.expr.eval(&group_row).into_owned())
            .collect()
    }
}
