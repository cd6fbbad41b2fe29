//! How a row changes the states of a group. Aggregates with the same `FILTER` are updated together, so that it is
//! evaluated once for each row.

use crate::aggregate::State;
use crate::plan::{Aggregate, AggregateKind, Expr};
use crate::value::Value;

/// The updates of the states of all aggregates.
pub(crate) struct Updates(Vec<Filtered>);

struct Filtered {
    filter: Option<Expr>,
    updates: Vec<Update>,
}

struct Update {
    /// The number of the state.
    state: usize,
    /// `None` in `count(*)`.
    argument: Option<Expr>,
    /// The expression whose least or greatest value is wanted, in `arg_min` and `arg_max`.
    by: Option<Expr>,
}

impl Updates {
    /// Creates the updates of the states of these aggregates, which have the same numbers.
    pub(crate) fn new(aggregates: &[Aggregate]) -> Self {
        let mut all: Vec<Filtered> = Vec::new();
        let numbered = aggregates.iter().enumerate();
        for (state, aggregate) in numbered.filter(|(_, aggregate)| aggregate.shares.is_none()) {
            let update = Update::new(state, aggregate);
            let same = |filtered: &&mut Filtered| filtered.filter == aggregate.filter;
            match all.iter_mut().find(same) {
                Some(filtered) => filtered.updates.push(update),
                None => all.push(Filtered {
                    filter: aggregate.filter.clone(),
                    updates: vec![update],
                }),
            }
        }
        Self(all)
    }

    /// Adds a row to the states.
    #[inline]
    pub(crate) fn add(&self, states: &mut [State], row: &[Value<'_>]) {
        for Filtered { filter, updates } in &self.0 {
            if filter.as_ref().is_none_or(|filter| filter.holds(row)) {
                for update in updates {
                    update.add(&mut states[update.state], row);
                }
            }
        }
    }
}

impl Update {
    fn new(state: usize, aggregate: &Aggregate) -> Self {
        let by = match &aggregate.kind {
            AggregateKind::ArgMin(by) | AggregateKind::ArgMax(by) => Some(by.clone()),
            _ => None,
        };
        Self {
            state,
            argument: aggregate.argument.clone(),
            by,
        }
    }

    #[inline]
    fn add(&self, state: &mut State, row: &[Value<'_>]) {
        let Some(argument) = &self.argument else {
            return state.count_row();
        };
        argument.read(row, |value| match &self.by {
            _ if value.is_null() => {}
            None => state.add(value),
            Some(by) => by.read(row, |place| {
                if !place.is_null() {
                    state.add_at(place, value);
                }
            }),
        });
    }
}
