//! `map-popularity`: how many players are active on each map.

use serde::{Deserialize, Serialize};

/// One map of a game in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapPopularity {
    /// The game.
    pub game_id: String,
    /// The map.
    pub map_id: String,
    /// Accepted player events on the map.
    pub events: u64,
    /// Distinct players on the map.
    pub players: u64,
    /// The relative error of `players` if it is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub players_error: Option<f64>,
}
