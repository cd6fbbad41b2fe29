//! The record of `player-activity`: the number of events of each player.

use serde::{Deserialize, Serialize};

/// The activity of one player in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerActivity {
    /// The game.
    pub game_id: String,
    /// The player.
    pub player_id: String,
    /// The number of accepted events of the player.
    pub event_count: u64,
}
