//! Counts the events of each player.

use model::derived::PlayerActivity;
use model::event::PlayerEvent;
use model::source::PlayerEvents;
use model::{AlignedWindows, Emit, Lift, Merge, ParamError, Params, RecordKey, Window, Windowed};
use serde::{Deserialize, Serialize};

/// The derivation of `player-activity`. It has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayerActivityDerivation;

/// What a set of events contributes to the row of one player.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Activity {
    event_count: u64,
}

impl Merge for Activity {
    fn merge(&mut self, other: Self) {
        self.event_count += other.event_count;
    }
}

impl Lift for PlayerActivityDerivation {
    const NAME: &'static str = "player-activity";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = PlayerEvents;
    type Partial = Activity;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Activity>) {
        out.emit(&[&event.game_id, &event.player_id], |activity| {
            activity.event_count += 1;
        });
    }
}

impl Windowed for PlayerActivityDerivation {
    type Output = PlayerActivity;

    fn finish(&self, _: Window, key: &RecordKey, activity: &Activity) -> Option<PlayerActivity> {
        let [game_id, player_id] = key.fields()?;
        Some(PlayerActivity {
            game_id,
            player_id,
            event_count: activity.event_count,
        })
    }
}
