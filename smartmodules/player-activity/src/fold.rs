//! How much each player does.

use model::derived::PlayerActivity;
use model::event::PlayerEvent;
use model::{Derivation, Emit, Merge, ParamError, Params, RecordKey, Window};
use serde::{Deserialize, Serialize};

/// The derivation of `player-activity`; it has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerActivityFold;

/// What events contribute to one player.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Activity {
    event_count: u64,
}

impl Merge for Activity {
    fn merge(&mut self, other: Self) {
        self.event_count += other.event_count;
    }
}

impl Derivation for PlayerActivityFold {
    const NAME: &'static str = "player-activity";
    const PARAMETERS: &'static [&'static str] = &[];
    type Event<'e> = PlayerEvent<'e>;
    type Partial = Activity;
    type Output = PlayerActivity;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Activity>) {
        out.emit(&[&event.game_id, &event.player_id], |activity| {
            activity.event_count += 1;
        });
    }

    fn finish(&self, _: Window, key: &RecordKey, activity: &Activity) -> Option<PlayerActivity> {
        let [game_id, player_id] = key.fields()?;
        Some(PlayerActivity {
            game_id,
            player_id,
            event_count: activity.event_count,
        })
    }
}
