//! Defines the traits that determine how the records of a topic are stored.
//!
//! A topic implements [`ShownRow`] or [`ShownAlert`]. If its records are not derived rows, it implements
//! [`ShownTopic`] itself.

use std::collections::BTreeSet;

use client::Record;
use model::derived::Derived;
use serde::de::DeserializeOwned;

use super::{TopicState, Unshown, now};
use crate::history::History;
use crate::latest::Latest;
use crate::limits::{
    ALERTS_BYTES_MAX, ALERTS_MAX, FUTURE_MS_MAX, RANKS_MAX, RECORD_BYTES_MAX, ROWS_MAX,
};
use crate::symbols::{Symbol, Symbols};

/// A topic's data in memory, folded from its records.
pub(crate) trait ShownTopic: Sized {
    /// Whether the topic receives rows for every window while events arrive. If so, missing rows make it stale.
    const HAS_WINDOWS: bool = false;
    /// The limit for rows in memory.
    const ROWS_MAX: usize = ROWS_MAX;
    /// How many of each partition's latest records are read at the start.
    const RECORDS_MAX: usize = Self::ROWS_MAX;

    fn empty() -> Self;

    /// Folds one record into the data.
    fn fold(&mut self, record: &Record, context: &mut FoldContext<'_>) -> Result<(), Unshown>;
}

/// A row of a window, as stored in a [`History`].
pub(crate) trait ShownRow: Sized {
    /// The measures of the topic's records.
    type Measures: DeserializeOwned;
    /// Identifies a row within its window.
    type Key: Copy + Ord;

    const HAS_WINDOWS: bool = true;
    const ROWS_MAX: usize = ROWS_MAX;
    const RECORDS_MAX: usize = Self::ROWS_MAX;
    /// Adds the second row to the first one, in order to join old rows into one-minute windows. `None` if the topic
    /// does not join rows.
    const JOIN: Option<fn(&mut Self, &Self)> = None;

    fn key(row: &Derived<Self::Measures>, names: &mut Names<'_>) -> Result<Self::Key, Unshown>;

    fn value(measures: &Self::Measures, names: &mut Names<'_>) -> Self;

    /// Returns the window start under which a row is stored. `start` is the start of the row's own window.
    fn window(start: i64) -> i64 {
        start
    }
}

/// An alert. [`Latest`] stores the whole row.
pub(crate) trait ShownAlert: DeserializeOwned {
    /// Returns an id that stays the same over all revisions of the alert.
    fn id(&self) -> String;

    /// Returns the alert's game; `None` for an alert about a server.
    fn game(&self) -> Option<&str>;

    /// Returns the event time at which the alert is shown.
    fn time(row: &Derived<Self>) -> i64 {
        row.window_end.as_millis()
    }
}

/// The state, besides the topic's data, that folding a record uses and updates.
pub(crate) struct FoldContext<'s> {
    pub(super) names: Names<'s>,
    pub(super) state: &'s mut TopicState,
    /// The time at which the record was written, in milliseconds since 1970.
    pub(super) arrived: i64,
}

/// The interned names of the store, and the set of those that name a game.
pub(crate) struct Names<'s> {
    pub(super) symbols: &'s mut Symbols,
    pub(super) games: &'s mut BTreeSet<Symbol>,
}

impl Names<'_> {
    /// Interns a name that is part of a key. Returns an error if the table of names is full: all new names would share
    /// one symbol, and their rows would overwrite each other.
    pub(super) fn key(&mut self, name: &str) -> Result<Symbol, Unshown> {
        match self.symbols.intern(name) {
            Symbol::OTHER => Err(Unshown::Names),
            key => Ok(key),
        }
    }

    pub(super) fn game(&mut self, name: &str) -> Result<Symbol, Unshown> {
        let game = self.key(name)?;
        if self.games.len() < RANKS_MAX {
            self.games.insert(game);
        }
        Ok(game)
    }

    pub(super) fn intern(&mut self, name: &str) -> Symbol {
        self.symbols.intern(name)
    }
}

impl FoldContext<'_> {
    /// Parses a derived row, and updates the latest window end and the window length of its topic.
    fn read<T: DeserializeOwned>(
        &mut self,
        record: &Record,
        has_windows: bool,
    ) -> Result<Derived<T>, Unshown> {
        check_size(record)?;
        let row: Derived<T> = serde_json::from_slice(&record.value)?;
        if row.window_end.ms_since(now()) > FUTURE_MS_MAX {
            return Err(Unshown::Future(row.window_end));
        }
        self.state.window_end = self.state.window_end.max(Some(row.window_end));
        if has_windows {
            self.state.window_ms = row.window_end.ms_since(row.window_start);
        }
        Ok(row)
    }
}

pub(super) fn check_size(record: &Record) -> Result<(), Unshown> {
    let bytes = record.value.len();
    if bytes > RECORD_BYTES_MAX {
        return Err(Unshown::Large(bytes));
    }
    Ok(())
}

impl<R: ShownRow> ShownTopic for History<R::Key, R> {
    const HAS_WINDOWS: bool = R::HAS_WINDOWS;
    const ROWS_MAX: usize = R::ROWS_MAX;
    const RECORDS_MAX: usize = R::RECORDS_MAX;

    fn empty() -> Self {
        match R::JOIN {
            Some(join) => Self::joined(R::ROWS_MAX, join),
            None => Self::new(R::ROWS_MAX),
        }
    }

    fn fold(&mut self, record: &Record, context: &mut FoldContext<'_>) -> Result<(), Unshown> {
        let row = context.read(record, R::HAS_WINDOWS)?;
        let key = R::key(&row, &mut context.names)?;
        let value = R::value(&row.measures, &mut context.names);
        let window = R::window(row.window_start.as_millis());
        let value = unless_withdrawn(row.withdrawn, value);
        self.put(window, key, row.revision, value);
        Ok(())
    }
}

impl<A: ShownAlert> ShownTopic for Latest<Derived<A>> {
    fn empty() -> Self {
        Self::new(ALERTS_MAX, ALERTS_BYTES_MAX)
    }

    fn fold(&mut self, record: &Record, context: &mut FoldContext<'_>) -> Result<(), Unshown> {
        let row: Derived<A> = context.read(record, false)?;
        if let Some(game) = row.measures.game() {
            // The alert is shown even if the table of names is full and its game is not listed.
            let _unlisted = context.names.game(game);
        }
        let (id, time, revision) = (row.measures.id(), A::time(&row), row.revision);
        let alert = unless_withdrawn(row.withdrawn, row);
        self.put(id, time, revision, alert, record.value.len());
        Ok(())
    }
}

fn unless_withdrawn<T>(withdrawn: bool, value: T) -> Option<T> {
    (!withdrawn).then_some(value)
}

/// Converts a count to 32 bits, which are enough for the counts of one window. A larger count becomes `u32::MAX`.
pub(super) fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
