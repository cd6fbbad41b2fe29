//! Counts activity and completions by level and map.

use model::decimal;
use model::derived::LevelEngagement;
use model::event::PlayerEvent;
use model::merge::{Distinct, fingerprint};
use model::source::PlayerEvents;
use model::{AlignedWindows, Emit, Lift, Merge, ParamError, Params, RecordKey, Window, Windowed};
use serde::{Deserialize, Serialize};

/// The derivation of `level-engagement`. It has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelEngagementDerivation;

/// What a set of events contributes to the row of one game, level and map.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Engagement {
    events: u64,
    moves: u64,
    interactions: u64,
    level_completes: u64,
    players: Distinct,
    sessions: Distinct,
    completing_sessions: Distinct,
}

impl Merge for Engagement {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.moves += other.moves;
        self.interactions += other.interactions;
        self.level_completes += other.level_completes;
        self.players.merge(other.players);
        self.sessions.merge(other.sessions);
        self.completing_sessions.merge(other.completing_sessions);
    }

    fn settle(&mut self) {
        self.players.settle();
        self.sessions.settle();
        self.completing_sessions.settle();
    }
}

impl Lift for LevelEngagementDerivation {
    const NAME: &'static str = "level-engagement";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = PlayerEvents;
    type Partial = Engagement;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Engagement>) {
        out.emit(
            &[&event.game_id, &event.level_id, &event.map_id],
            |engagement| {
                let session = fingerprint(&event.session_id);
                engagement.events += 1;
                engagement.players.insert(fingerprint(&event.player_id));
                engagement.sessions.insert(session);
                match event.event_type.as_ref() {
                    "move" => engagement.moves += 1,
                    "interaction" => engagement.interactions += 1,
                    "level_complete" => {
                        engagement.level_completes += 1;
                        engagement.completing_sessions.insert(session);
                    }
                    _ => {}
                }
            },
        );
    }
}

impl Windowed for LevelEngagementDerivation {
    type Output = LevelEngagement;

    fn finish(&self, _: Window, key: &RecordKey, partial: &Engagement) -> Option<LevelEngagement> {
        let [game_id, level_id, map_id] = key.fields()?;
        let (sessions, completing) = (
            partial.sessions.count(),
            partial.completing_sessions.count(),
        );
        Some(LevelEngagement {
            game_id,
            level_id,
            map_id,
            events: partial.events,
            active_players: partial.players.count(),
            active_players_error: partial.players.error(),
            sessions,
            sessions_error: partial.sessions.error(),
            moves: partial.moves,
            interactions: partial.interactions,
            level_completes: partial.level_completes,
            completing_sessions: completing,
            completing_sessions_error: partial.completing_sessions.error(),
            completion_rate: completion_rate(completing, sessions),
        })
    }
}

/// Returns the ratio, capped at 1 because both counts may be estimates.
fn completion_rate(completing: u64, sessions: u64) -> Option<f64> {
    let completing = completing.min(sessions);
    (sessions > 0).then(|| decimal::ratio(completing.into(), sessions.into(), 4))
}
