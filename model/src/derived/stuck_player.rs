//! `stuck-players`: who stays on a level and does not complete it.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A visit to one level that has become too long, as of the event that made it so. Its window is from
/// the visit's first event to that event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StuckPlayer {
    /// The game.
    pub game_id: String,
    /// The player.
    pub player_id: String,
    /// The level.
    pub level_id: String,
    /// The map within the level.
    pub map_id: String,
    /// The player's session.
    pub session_id: String,
    /// The time of the visit's first event.
    pub since: Timestamp,
    /// From there to the event that raised the alert, in seconds to the millisecond.
    pub seconds_on_level: f64,
    /// Events of the visit up to and with that one.
    pub events: u64,
    /// The same as a sentence.
    pub reason: String,
    /// The `min_seconds` that applied.
    pub min_seconds: u64,
    /// The `min_events` that applied.
    pub min_events: u64,
}
