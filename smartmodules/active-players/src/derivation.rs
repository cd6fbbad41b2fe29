//! Counts the distinct players of each game, and of each of its platforms.

use model::derived::ActivePlayers;
use model::event::PlayerEvent;
use model::merge::{Distinct, fingerprint};
use model::source::PlayerEvents;
use model::{AlignedWindows, Emit, Lift, Merge, ParamError, Params, RecordKey, Window, Windowed};
use serde::{Deserialize, Serialize};

use crate::platforms::Platforms;

/// The derivation of `active-players`. It has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActivePlayersDerivation;

/// What a set of events contributes to the row of one game.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Crowd {
    events: u64,
    sessions: Distinct,
    platforms: Platforms,
}

impl Merge for Crowd {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.sessions.merge(other.sessions);
        self.platforms.merge(other.platforms);
    }

    fn settle(&mut self) {
        self.sessions.settle();
        self.platforms.settle();
    }
}

impl Lift for ActivePlayersDerivation {
    const NAME: &'static str = "active-players";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = PlayerEvents;
    type Partial = Crowd;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Crowd>) {
        out.emit(&[&event.game_id], |crowd| {
            crowd.events += 1;
            crowd.sessions.insert(fingerprint(&event.session_id));
            let player = fingerprint(&event.player_id);
            crowd.platforms.insert(&event.platform, player);
        });
    }
}

impl Windowed for ActivePlayersDerivation {
    type Output = ActivePlayers;

    fn finish(&self, _: Window, key: &RecordKey, crowd: &Crowd) -> Option<ActivePlayers> {
        let [game_id] = key.fields()?;
        let players = crowd.platforms.players();
        Some(ActivePlayers {
            game_id,
            active_players: players.count(),
            active_players_error: players.error(),
            sessions: crowd.sessions.count(),
            sessions_error: crowd.sessions.error(),
            events: crowd.events,
            by_platform: crowd.platforms.counts(),
            by_platform_error: crowd.platforms.error(),
        })
    }
}
