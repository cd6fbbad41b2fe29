//! `level-engagement`: player activity on one map of a level.

use model::derived::{Derived, LevelEngagement};

use crate::limits::{RECORDS_JOINED, ROWS_JOINED};
use crate::store::Unshown;
use crate::store::shown::{Names, ShownRow, narrow};
use crate::symbols::Symbol;

/// Player activity on one map of a level, in one window or summed over several windows.
#[derive(Clone, Debug)]
pub(crate) struct LevelRow {
    pub(crate) windows: u32,
    /// The number of distinct players in each window, summed over the windows.
    pub(crate) players: u32,
    pub(crate) sessions: u32,
    pub(crate) completing: u32,
    pub(crate) events: u32,
}

impl LevelRow {
    fn join(&mut self, later: &Self) {
        for (sum, more) in [
            (&mut self.windows, later.windows),
            (&mut self.players, later.players),
            (&mut self.sessions, later.sessions),
            (&mut self.completing, later.completing),
            (&mut self.events, later.events),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl ShownRow for LevelRow {
    type Measures = LevelEngagement;
    /// Game, level and map.
    type Key = (Symbol, Symbol, Symbol);

    const ROWS_MAX: usize = ROWS_JOINED;
    const RECORDS_MAX: usize = RECORDS_JOINED;
    const JOIN: Option<fn(&mut Self, &Self)> = Some(Self::join);

    fn key(row: &Derived<LevelEngagement>, names: &mut Names<'_>) -> Result<Self::Key, Unshown> {
        let of = &row.measures;
        let game = names.game(&of.game_id)?;
        Ok((game, names.key(&of.level_id)?, names.key(&of.map_id)?))
    }

    fn value(measures: &LevelEngagement, _: &mut Names<'_>) -> Self {
        Self {
            windows: 1,
            players: narrow(measures.active_players),
            sessions: narrow(measures.sessions),
            completing: narrow(measures.completing_sessions),
            events: narrow(measures.events),
        }
    }
}
