//! Computes the rows of a plan from records, in one process.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use model::{Timestamp, Window};

use crate::aggregate::State;
use crate::join::JoinGroup;
use crate::key;
use crate::plan::{Join, Plan, WindowPlan};
use crate::source::Record;
use crate::updates::Updates;
use crate::value::Value;
use crate::versions::{SharedTable, TableVersions};

mod closing;

/// The largest number of groups: windows and sessions of all keys.
pub const GROUPS_MAX: usize = 1_000_000;

/// A query that is being computed.
pub struct Query {
    plan: Arc<Plan>,
    updates: Updates,
    /// Windows that begin earlier are left out, because not all of their records are added.
    since: Timestamp,
    /// Windows that are over at this time have been closed: their rows have been returned. [`Timestamp::MIN`] if no
    /// window has been closed yet.
    closed: Timestamp,
    /// Until this time, no window is over that has not been closed.
    due: Timestamp,
    /// The number of records that came too late for one of their windows.
    late: u64,
    keys: HashMap<Vec<u8>, Key, RandomState>,
    groups: usize,
    /// The key of the last row, encoded.
    encoded: Vec<u8>,
    /// The table that the plan joins.
    table: Option<SharedTable>,
}

/// What is known of one combination of the `GROUP BY` expressions.
struct Key {
    values: Vec<Value<'static>>,
    /// The groups by the start of their windows.
    groups: BTreeMap<i64, Group>,
    /// The last session that has been closed, as long as records of it could still be added.
    printed: Option<Window>,
}

struct Group {
    window: Window,
    states: Vec<State>,
}

/// A row of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// A value for each output of the plan.
    pub values: Vec<Value<'static>>,
}

/// The query needs more than [`GROUPS_MAX`] groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the query has more than {GROUPS_MAX} groups; use longer windows, fewer keys, a condition, or a shorter time"
)]
pub struct TooManyGroups;

impl Query {
    /// Creates a query without rows. `since` is the time from which records will be added, if not all are: windows that
    /// begin earlier are then left out.
    pub fn new(plan: Plan, since: Option<Timestamp>) -> Self {
        let table = plan.join.as_ref().map(|join| join.table.clone());
        Self {
            updates: Updates::new(&plan.aggregates),
            plan: Arc::new(plan),
            since: since.unwrap_or(Timestamp::MIN),
            closed: Timestamp::MIN,
            due: Timestamp::MAX,
            late: 0,
            keys: HashMap::default(),
            groups: 0,
            encoded: Vec::new(),
            table: table.map(|table| SharedTable::new(TableVersions::new(table))),
        }
    }

    /// Sets the content of the table that the plan joins; without it, the table is empty.
    pub fn set_table(&mut self, table: SharedTable) {
        self.table = Some(table);
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Adds a record of the plan's source.
    pub fn add(&mut self, record: Record<'_>) -> Result<(), TooManyGroups> {
        let time = record.time.as_millis();
        let plan = Arc::clone(&self.plan);
        let mut is_late = false;
        plan.rows_of(&record, |row| {
            is_late |= !self.add_row(time, row)?;
            Ok(())
        })?;
        self.late += u64::from(is_late);
        Ok(())
    }

    /// Adds a row to its windows. Returns false if one of them is closed already.
    fn add_row(&mut self, time: i64, row: &[Value<'_>]) -> Result<bool, TooManyGroups> {
        let (plan, updates) = (&*self.plan, &self.updates);
        self.encoded.clear();
        for key in &plan.keys {
            encode(&key.expr.eval(row), &mut self.encoded);
        }
        if self.is_too_late(time) {
            return Ok(false);
        }
        let key = self.keys.entry_ref(self.encoded.as_slice());
        let key = key.or_insert_with(|| Key::new(plan, row));
        let (before, mut all_open) = (key.groups.len(), true);
        match plan.window {
            WindowPlan::None => key.add(plan, updates, Window::default(), row),
            WindowPlan::Hopping { slide_ms, size_ms } => {
                let is_complete = |window: &Window| window.start >= self.since;
                for window in windows(time, slide_ms, size_ms).filter(is_complete) {
                    if window.end <= self.closed {
                        all_open = false;
                        continue;
                    }
                    key.add(plan, updates, window, row);
                    self.due = self.due.min(window.end);
                }
            }
            WindowPlan::Session { gap_ms } => {
                key.add_to_session((plan, updates), time, gap_ms, row);
                let session = Window::instant(Timestamp::from_millis(time));
                self.due = self.due.min(plan.window.over_at(&session));
            }
        }
        self.groups = self.groups + key.groups.len() - before;
        if self.groups > GROUPS_MAX {
            return Err(TooManyGroups);
        }
        Ok(all_open)
    }

    /// Returns the rows, ordered by window, and within a window by `ORDER BY`, then by key.
    pub fn rows(&self) -> Vec<Row> {
        if self.keys.is_empty() && self.plan.window == WindowPlan::None && self.plan.keys.is_empty()
        {
            // Without GROUP BY, there is one row even if there are no records.
            return self.row_of_nothing();
        }
        self.rows_of(|_| true)
    }

    /// Returns the rows of the windows that are wanted.
    fn rows_of(&self, is_wanted: impl Fn(&Window) -> bool) -> Vec<Row> {
        if let Some((join, table)) = self.plan.join.as_ref().zip(self.table.as_ref()) {
            return table.read(|table| self.joined_rows(join, table, is_wanted));
        }
        let mut windows: BTreeMap<Window, Vec<Vec<Value<'_>>>> = BTreeMap::new();
        for key in self.keys.values() {
            let groups = key.groups.values();
            for group in groups.filter(|group| is_wanted(&group.window)) {
                let row = self.group_row(key, group);
                if self.plan.keeps(&row) {
                    windows.entry(group.window).or_default().push(row);
                }
            }
        }
        windows
            .into_values()
            .flat_map(|rows| self.ranked(rows))
            .collect()
    }

    /// As [`Self::rows_of`], with a join.
    fn joined_rows(
        &self,
        join: &Join,
        table: &TableVersions,
        is_wanted: impl Fn(&Window) -> bool,
    ) -> Vec<Row> {
        let mut windows: BTreeMap<Window, Vec<JoinGroup<'_>>> = BTreeMap::new();
        for key in self.keys.values() {
            let groups = key.groups.values();
            for group in groups.filter(|group| is_wanted(&group.window)) {
                let values = key.values.iter().map(Value::borrowed).collect();
                let groups = windows.entry(group.window).or_default();
                groups.push((values, &group.states));
            }
        }
        let rows_of = |(window, groups): (Window, Vec<JoinGroup<'_>>)| {
            let joined = join.joined(table, window.start, groups.into_iter());
            let rows = joined.iter().map(|(key, states)| {
                let fields = key.all_fields().zip(self.plan.group_keys());
                let values = fields.map(|(field, key)| key::value(field, key.ty));
                self.plan.group_row(values, window, states)
            });
            self.ranked(rows.filter(|row| self.plan.keeps(row)).collect())
        };
        windows.into_iter().flat_map(rows_of).collect()
    }

    fn row_of_nothing(&self) -> Vec<Row> {
        let states = self.plan.new_states().collect();
        let group = Group {
            window: Window::default(),
            states,
        };
        let key = Key {
            values: Vec::new(),
            groups: BTreeMap::new(),
            printed: None,
        };
        let row = self.group_row(&key, &group);
        if self.plan.keeps(&row) {
            self.ranked(vec![row])
        } else {
            Vec::new()
        }
    }

    /// Returns the values that the outputs are computed from.
    fn group_row<'a>(&'a self, key: &'a Key, group: &'a Group) -> Vec<Value<'a>> {
        let keys = key.values.iter().map(Value::borrowed);
        self.plan.group_row(keys, group.window, &group.states)
    }

    /// Sorts the rows of a window, applies the limit, and computes the outputs.
    fn ranked(&self, mut rows: Vec<Vec<Value<'_>>>) -> Vec<Row> {
        rows.sort_by(|left, right| self.plan.compare(left, right));
        let limit = self.plan.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        rows.into_iter()
            .take(limit)
            .zip(1..)
            .map(|(row, rank)| Row {
                values: self.plan.result_row(row, rank),
            })
            .collect()
    }
}

impl Key {
    fn new(plan: &Plan, row: &[Value<'_>]) -> Self {
        let values = plan.keys.iter().map(|key| key.expr.eval(row).into_owned());
        Self {
            values: values.collect(),
            groups: BTreeMap::new(),
            printed: None,
        }
    }

    fn add(&mut self, plan: &Plan, updates: &Updates, window: Window, row: &[Value<'_>]) {
        let group = self.groups.entry(window.start.as_millis());
        let group = group.or_insert_with(|| Group::new(plan, window));
        updates.add(&mut group.states, row);
    }

    /// Adds a row to the session that it belongs to. The row can join two sessions.
    fn add_to_session(
        &mut self,
        (plan, updates): (&Plan, &Updates),
        time: i64,
        gap_ms: i64,
        row: &[Value<'_>],
    ) {
        let instant = Window::instant(Timestamp::from_millis(time));
        let reach = time.saturating_add(gap_ms);
        let near: Vec<i64> = self
            .groups
            .range(..=reach)
            .rev()
            .take(2)
            .filter(|(_, group)| group.window.is_within(gap_ms, &instant))
            .map(|(start, _)| *start)
            .collect();
        let mut near = near
            .iter()
            .filter_map(|start| self.groups.remove(start))
            .collect::<Vec<_>>();
        let mut session = near.pop().unwrap_or_else(|| Group::new(plan, instant));
        session.window = session.window.join(instant);
        updates.add(&mut session.states, row);
        for other in near {
            session.window = session.window.join(other.window);
            let states = session.states.iter_mut().zip(other.states);
            states.for_each(|(state, other)| state.merge(other));
        }
        self.groups
            .insert(session.window.start.as_millis(), session);
    }
}

impl Group {
    fn new(plan: &Plan, window: Window) -> Self {
        Self {
            window,
            states: plan.new_states().collect(),
        }
    }
}

/// Returns the windows that contain a time. They are aligned to the Unix epoch.
fn windows(time: i64, slide_ms: i64, size_ms: i64) -> impl Iterator<Item = Window> {
    let last = time.div_euclid(slide_ms) * slide_ms;
    (0..size_ms / slide_ms).map(move |back| {
        let start = Timestamp::from_millis(last.saturating_sub(back * slide_ms));
        Window {
            start,
            end: start.plus_ms(size_ms),
        }
    })
}

/// Appends bytes that are different for different values of one type.
fn encode(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0),
        Value::Boolean(value) => out.extend([1, u8::from(*value)]),
        Value::Exact(units) => {
            out.push(2);
            out.extend(units.get().to_le_bytes());
        }
        Value::Double(value) => {
            out.push(3);
            out.extend(value.to_bits().to_le_bytes());
        }
        Value::Text(text) => {
            out.push(4);
            out.extend((text.len() as u64).to_le_bytes());
            out.extend(text.as_bytes());
        }
        Value::Timestamp(time) => {
            out.push(5);
            out.extend(time.as_millis().to_le_bytes());
        }
    }
}
