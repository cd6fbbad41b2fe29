//! A join with a table, after the states of all batches have been merged: each group looks up the table's row, and is
//! then one of the groups of the result, or a part of one.

use std::collections::BTreeMap;

use model::{RecordKey, Timestamp};

use crate::aggregate::State;
use crate::key;
use crate::plan::{Expr, Join};
use crate::value::Value;
use crate::versions::TableVersions;

/// A group before a join, with the values of the plan's keys.
pub(crate) type JoinGroup<'a> = (Vec<Value<'a>>, &'a [State]);

impl Join {
    /// Joins the groups of one window. Returns the groups after the join, each with its record key: the values of
    /// `GROUP BY`. `start` is the start of the window: the table counts as it was at that time.
    pub(crate) fn joined<'a>(
        &self,
        table: &TableVersions,
        start: Timestamp,
        groups: impl Iterator<Item = JoinGroup<'a>>,
    ) -> BTreeMap<RecordKey, Vec<State>> {
        let mut joined = BTreeMap::new();
        for (keys, states) in groups {
            let Some(values) = self.keys_of(table, start, keys) else {
                continue;
            };
            let texts = values.iter().zip(&self.keys);
            let texts: Vec<_> = texts
                .map(|(value, key)| key::text(value.borrowed(), key.ty))
                .collect();
            let fields: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
            let merged: &mut Vec<State> = joined.entry(RecordKey::new(&fields)).or_default();
            merge(merged, states);
        }
        joined
    }

    /// Returns the values of `GROUP BY` for a group with these keys of the plan; `None` if the group is left out.
    fn keys_of(
        &self,
        table: &TableVersions,
        start: Timestamp,
        keys: Vec<Value<'_>>,
    ) -> Option<Vec<Value<'static>>> {
        let found = table.row(&keys[self.lookup], start);
        if found.is_none() && self.is_inner {
            return None;
        }
        let mut row: Vec<Value<'_>> = match found {
            Some(row) => row.iter().map(Value::borrowed).collect(),
            None => vec![Value::Null; self.table.columns().len()],
        };
        row.extend(keys);
        let leaves_out = |filter: &Expr| !filter.holds(&row);
        if self.filter.as_ref().is_some_and(leaves_out) {
            return None;
        }
        let keys = self.keys.iter();
        Some(keys.map(|key| key.expr.eval(&row).into_owned()).collect())
    }
}

/// Merges the states of a group that has become a part of another one. There are none before the first row.
fn merge(merged: &mut Vec<State>, states: &[State]) {
    if merged.is_empty() {
        *merged = states.to_vec();
        return;
    }
    for (state, other) in merged.iter_mut().zip(states) {
        state.merge(other.clone());
    }
}
