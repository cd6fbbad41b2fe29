//! `player-session-summaries`: sessions that have ended.

use std::hash::{DefaultHasher, Hash, Hasher};

use model::derived::{Derived, PlayerSessionSummaries};

use crate::history::minute;
use crate::limits::ROWS_SESSIONS;
use crate::store::Unshown;
use crate::store::shown::{Names, ShownRow, narrow};
use crate::symbols::Symbol;

/// A session that has ended.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    pub(crate) game: Symbol,
    pub(crate) platform: Symbol,
    /// The time from the session's first event to its last.
    pub(crate) length_ms: u32,
    pub(crate) events: u32,
    pub(crate) completes: u32,
}

impl ShownRow for SessionRow {
    type Measures = PlayerSessionSummaries;
    /// The start of the session, and a hash of the game, player and session ids. The ids themselves would
    /// take too much memory.
    type Key = (i64, u64);

    const HAS_WINDOWS: bool = false;
    const ROWS_MAX: usize = ROWS_SESSIONS;

    fn key(row: &Derived<PlayerSessionSummaries>, _: &mut Names<'_>) -> Result<Self::Key, Unshown> {
        let of = &row.measures;
        let mut hasher = DefaultHasher::new();
        (&of.game_id, &of.player_id, &of.session_id).hash(&mut hasher);
        Ok((row.window_start.as_millis(), hasher.finish()))
    }

    fn value(measures: &PlayerSessionSummaries, names: &mut Names<'_>) -> Self {
        let length_ms = measures.session_end.ms_since(measures.session_start);
        Self {
            // The game's symbol is not part of the key, so the session is stored even if the table of names is full.
            game: names.game(&measures.game_id).unwrap_or(Symbol::OTHER),
            platform: names.intern(measures.platform.as_deref().unwrap_or("unknown")),
            length_ms: u32::try_from(length_ms).unwrap_or_default(),
            events: narrow(measures.events),
            completes: narrow(measures.level_completes),
        }
    }

    /// Stores each session under the minute in which it starts.
    fn window(start: i64) -> i64 {
        minute(start)
    }
}
