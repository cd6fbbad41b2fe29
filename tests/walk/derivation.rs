//! How many players are active on each map.

use model::derived::MapPopularity;
use model::event::PlayerEvent;
use model::merge::{Distinct, fingerprint};
use model::source::PlayerEvents;
use model::{AlignedWindows, Emit, Lift, Merge, ParamError, Params, RecordKey, Window, Windowed};
use serde::{Deserialize, Serialize};

/// The derivation of `map-popularity`; it has no parameters of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapPopularityDerivation;

/// What events contribute to one map.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Crowd {
    events: u64,
    players: Distinct,
}

impl Merge for Crowd {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.players.merge(other.players);
    }

    fn settle(&mut self) {
        self.players.settle();
    }
}

impl Lift for MapPopularityDerivation {
    const NAME: &'static str = "map-popularity";
    const PARAMETERS: &'static [&'static str] = &[];

    type Grouping = AlignedWindows;
    type Source = PlayerEvents;
    type Partial = Crowd;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn lift(&self, event: &PlayerEvent<'_>, out: &mut impl Emit<Crowd>) {
        out.emit(&[&event.game_id, &event.map_id], |crowd| {
            crowd.events += 1;
            crowd.players.insert(fingerprint(&event.player_id));
        });
    }
}

impl Windowed for MapPopularityDerivation {
    type Output = MapPopularity;

    fn finish(&self, _: Window, key: &RecordKey, crowd: &Crowd) -> Option<MapPopularity> {
        let [game_id, map_id] = key.fields()?;
        Some(MapPopularity {
            game_id,
            map_id,
            events: crowd.events,
            players: crowd.players.count(),
            players_error: crowd.players.error(),
        })
    }
}
