//! `active-players`: the players of a game, by platform.

use std::cmp::Reverse;

use model::derived::{ActivePlayers, Derived};

use crate::limits::PLATFORMS_MAX;
use crate::store::Unshown;
use crate::store::shown::{Names, ShownRow, narrow};
use crate::symbols::Symbol;

/// The players of a game in one window.
#[derive(Clone, Debug)]
pub(crate) struct ActiveRow {
    pub(crate) players: u64,
    pub(crate) sessions: u64,
    pub(crate) events: u64,
    pub(crate) by_platform: Box<[(Symbol, u32)]>,
}

impl ShownRow for ActiveRow {
    type Measures = ActivePlayers;
    /// The game.
    type Key = Symbol;

    fn key(row: &Derived<ActivePlayers>, names: &mut Names<'_>) -> Result<Symbol, Unshown> {
        names.game(&row.measures.game_id)
    }

    fn value(measures: &ActivePlayers, names: &mut Names<'_>) -> Self {
        Self {
            players: measures.active_players,
            sessions: measures.sessions,
            events: measures.events,
            by_platform: platforms(measures, names),
        }
    }
}

/// Returns the platforms with the most players, and the sum of all others under [`Symbol::OTHER`].
fn platforms(measures: &ActivePlayers, names: &mut Names<'_>) -> Box<[(Symbol, u32)]> {
    let mut named: Vec<_> = measures.by_platform.iter().collect();
    named.sort_by_key(|(_, players)| Reverse(**players));
    let others = named.split_off(named.len().min(PLATFORMS_MAX - 1));
    let others: u64 = others.iter().map(|(_, players)| **players).sum();
    let named = named.into_iter();
    let mut platforms: Vec<_> = named
        .map(|(name, players)| (names.intern(name), narrow(*players)))
        .collect();
    if others > 0 {
        platforms.push((Symbol::OTHER, narrow(others)));
    }
    platforms.into()
}
