//! A query as a derivation: the SmartModule filters, projects and pre-aggregates, and the runner merges and finishes.

use std::borrow::Cow;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;

use model::derivation::Group;
use model::{
    AlignedWindows, Emit, Grouping, Lift, Merge, ParamError, Params, RecordKey, SessionGap,
    Sessions, Window, Windowed,
};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use smallvec::SmallVec;

use crate::aggregate::State;
use crate::code::{self, PLAN, SOURCE};
use crate::declared::DeclaredSource;
use crate::first_rows::FirstRows;
use crate::key;
use crate::plan::Plan;
use crate::source::{Record, Source};
use crate::types::SqlType;
use crate::updates::Updates;
use crate::value::{Typed, Value};
use crate::versions::{SharedTable, TableVersions};

/// Returns the parameters of the derivation that a plan over a source describes.
pub fn parameters(plan: &Plan, source: &Source) -> [(String, String); 2] {
    [
        (PLAN.to_owned(), code::encode(plan)),
        (SOURCE.to_owned(), code::encode(source)),
    ]
}

/// Returns the parameter that is equal for all derivations that read the records of a source in the same way; `None`
/// if the parameters are not those of a query.
pub fn source_parameter(params: &Params) -> Option<&str> {
    params.text(SOURCE)
}

/// A query with tumbling or hopping windows.
pub type SqlWindows = SqlDerivation<AlignedWindows>;

/// A query with sessions.
pub type SqlSessions = SqlDerivation<SessionGap>;

/// A query over one source, whose rows become a derived topic.
pub struct SqlDerivation<G> {
    plan: Plan,
    updates: Updates,
    columns: Arc<[(String, SqlType)]>,
    /// The table that the plan joins. Only the runner needs its content.
    table: Option<SharedTable>,
    grouping: PhantomData<G>,
}

/// The states of a query's aggregates; empty before the first row.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct States(SmallVec<[State; 1]>);

impl States {
    #[inline]
    fn add(&mut self, plan: &Plan, updates: &Updates, row: &[Value<'_>]) {
        if self.0.is_empty() {
            self.0.extend(plan.new_states());
        }
        updates.add(&mut self.0, row);
    }
}

impl Merge for States {
    fn merge(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for (state, other) in self.0.iter_mut().zip(other.0) {
            state.merge(other);
        }
    }

    fn settle(&mut self) {
        self.0.iter_mut().for_each(State::settle);
    }
}

impl<G: Grouping> Lift for SqlDerivation<G> {
    const NAME: &'static str = "sql";
    const PARAMETERS: &'static [&'static str] = &[PLAN];

    type Grouping = G;
    type Source = DeclaredSource;
    type Partial = States;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        let plan: Plan = code::decode(params, PLAN)?;
        let columns = plan
            .columns()
            .map(|output| (output.name.clone(), output.ty));
        let table = plan.join.as_ref().map(|join| join.table.clone());
        Ok(Self {
            columns: columns.collect(),
            table: table.map(|table| SharedTable::new(TableVersions::new(table))),
            updates: Updates::new(&plan.aggregates),
            plan,
            grouping: PhantomData,
        })
    }

    fn lift(&self, event: &Record<'_>, out: &mut impl Emit<States>) {
        let Ok(()) = self.plan.rows_of::<Infallible>(event, |row| {
            self.with_key(row, |fields| {
                out.emit(fields, |states| states.add(&self.plan, &self.updates, row));
            });
            Ok(())
        });
    }
}

impl<G: Grouping> Windowed for SqlDerivation<G> {
    type Output = SqlRow;

    /// Returns whether the group has rows and `HAVING` keeps it.
    fn keeps(&self, window: Window, key: &RecordKey, partial: &States) -> bool {
        let is_empty = partial.0.is_empty() && !self.plan.aggregates.is_empty();
        !is_empty
            && (self.plan.having.is_none()
                || self.with_group_row(window, key, partial, |row| self.plan.keeps(row)))
    }

    fn finish(&self, window: Window, key: &RecordKey, partial: &States) -> Option<SqlRow> {
        if self.plan.limit.is_some() {
            return Some(self.row_without_group(window, key));
        }
        Some(self.with_group_row(window, key, partial, |row| self.row(row)))
    }

    /// With `LIMIT`, the rows of a window depend on each other, and their ranks are their keys. With `JOIN`, several
    /// groups can become one row.
    fn by_window(&self) -> bool {
        self.plan.limit.is_some() || self.plan.join.is_some()
    }

    fn window_rows<'g>(
        &self,
        window: Window,
        groups: impl Iterator<Item = Group<'g, States>>,
    ) -> Vec<(RecordKey, SqlRow)> {
        let Some((join, table)) = self.plan.join.as_ref().zip(self.table.as_ref()) else {
            return self.rows(window, groups);
        };
        let groups: Vec<_> = groups.collect();
        let groups = groups.iter().map(|(key, states)| {
            let fields = key.all_fields().zip(&self.plan.keys);
            let values = fields.map(|(field, key)| key::value(field, key.ty));
            (values.collect::<Vec<_>>(), states.0.as_slice())
        });
        let joined = table.read(|table| join.joined(table, window.start, groups));
        let joined: Vec<_> = joined
            .into_iter()
            .map(|(key, states)| (key, States(states.into())))
            .collect();
        let groups = joined.iter();
        self.rows(
            window,
            groups.map(|(key, states)| (key, Cow::Borrowed(states))),
        )
    }
}

/// Returns the record key of a rank. It has as many digits as the limit, so that keys sort as ranks do.
fn rank_key(rank: u64, limit: u64) -> RecordKey {
    let width = limit.to_string().len();
    RecordKey::new(&[&format!("{rank:0width$}")])
}

impl<G: Grouping> SqlDerivation<G> {
    /// Sets the content of the table that the plan joins; without it, the table is empty.
    pub fn with_table(self, table: SharedTable) -> Self {
        Self {
            table: Some(table),
            ..self
        }
    }

    /// Returns the rows of a window from its groups: the first ones if there is a limit, otherwise all.
    fn rows<'g>(
        &self,
        window: Window,
        groups: impl Iterator<Item = Group<'g, States>>,
    ) -> Vec<(RecordKey, SqlRow)> {
        let Some(limit) = self.plan.limit else {
            let row = |(key, states): Group<'g, States>| {
                self.with_group_row(window, key, &states, |row| {
                    let keeps = self.plan.keeps(row);
                    keeps.then(|| (key.clone(), self.row(row)))
                })
            };
            return groups.filter_map(row).collect();
        };
        let mut first = FirstRows::new(&self.plan, limit);
        for (key, states) in groups {
            self.with_group_row(window, key, &states, |row| {
                if self.plan.keeps(row) {
                    first.add(key, row);
                }
            });
        }
        let ranked = first.sorted().zip(1_u64..);
        let row = |(mut row, rank): (Vec<Value<'_>>, u64)| {
            row.push(Value::exact(Some(rank.into())));
            (rank_key(rank, limit), self.row(&row))
        };
        ranked.map(row).collect()
    }

    /// Returns the derived record of a group row.
    fn row(&self, group_row: &[Value<'_>]) -> SqlRow {
        let outputs = self.plan.columns();
        let values = outputs.map(|output| output.expr.eval(group_row).into_owned());
        SqlRow {
            values: values.collect(),
            columns: Arc::clone(&self.columns),
        }
    }

    /// Returns the row that withdraws a rank: without keys, and with aggregates of no rows.
    fn row_without_group(&self, window: Window, rank: &RecordKey) -> SqlRow {
        let keys = self.plan.group_keys().iter().map(|_| Value::Null);
        let states: Vec<State> = self.plan.new_states().collect();
        let mut row = self.plan.group_row(keys, window, &states);
        row.push(Value::exact(rank.as_str().parse().ok()));
        self.row(&row)
    }

    /// Passes the fields of a row's key to `read`.
    #[inline]
    fn with_key(&self, row: &[Value<'_>], read: impl FnOnce(&[&str])) {
        /// A key with at most this number of fields needs no allocation if all are texts of the row.
        const FEW: usize = 4;
        let keys = &self.plan.keys;
        let mut fields = [""; FEW];
        let plain = fields.iter_mut().zip(keys);
        let are_plain = plain
            .map(|(field, key)| key.expr.text(row).map(|text| *field = text))
            .all(|text| text.is_some());
        match fields.get(..keys.len()) {
            Some(fields) if are_plain && !fields.iter().any(|field| key::has_escape(field)) => {
                read(fields);
            }
            _ => {
                let texts = keys.iter().map(|key| key::text(key.expr.eval(row), key.ty));
                let texts: Vec<Cow<'_, str>> = texts.collect();
                read(&texts.iter().map(AsRef::as_ref).collect::<Vec<_>>());
            }
        }
    }

    /// Passes the group row of a window and key to `read`. A window without events has aggregates of no rows.
    fn with_group_row<T>(
        &self,
        window: Window,
        key: &RecordKey,
        partial: &States,
        read: impl FnOnce(&[Value<'_>]) -> T,
    ) -> T {
        let keys = key.all_fields().zip(self.plan.group_keys());
        let keys = keys.map(|(field, key)| key::value(field, key.ty));
        let empty: Vec<State>;
        let states: &[State] = if partial.0.is_empty() {
            empty = self.plan.new_states().collect();
            &empty
        } else {
            &partial.0
        };
        read(&self.plan.group_row(keys, window, states))
    }
}

impl Sessions for SqlSessions {
    fn is_complete(&self, _: Window, _: &States) -> bool {
        false
    }
}

/// A row of a query, without the bounds of its window.
pub struct SqlRow {
    columns: Arc<[(String, SqlType)]>,
    values: Vec<Value<'static>>,
}

impl Serialize for SqlRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for ((name, ty), value) in self.columns.iter().zip(&self.values) {
            map.serialize_entry(name, &Typed(value, *ty))?;
        }
        map.end()
    }
}
