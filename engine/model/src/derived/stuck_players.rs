//! The record of `stuck-players`: players who stay on a level too long without completing it.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A visit to one level that has become too long. The record's window begins with the visit's first event and
/// ends with the event that made the visit too long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StuckPlayers {
    /// The game.
    pub game_id: String,
    /// The player.
    pub player_id: String,
    /// The level.
    pub level_id: String,
    /// The level's map.
    pub map_id: String,
    /// The player's session.
    pub session_id: String,
    /// The time of the visit's first event.
    pub since: Timestamp,
    /// The time from `since` to the event that raised the alert, in seconds to three decimals.
    pub seconds_on_level: f64,
    /// The number of events of the visit, including the one that raised the alert.
    pub events: u64,
    /// The alert as a sentence.
    pub reason: String,
    /// The value of the parameter `min_seconds`.
    pub min_seconds: u64,
    /// The value of the parameter `min_events`.
    pub min_events: u64,
}
