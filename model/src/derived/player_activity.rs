//! `player-activity`: how much each player does.

use serde::{Deserialize, Serialize};

/// The activity of one player in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerActivity {
    /// The game.
    pub game_id: String,
    /// The player.
    pub player_id: String,
    /// Accepted events of the player.
    pub event_count: u64,
}
