//! `player-session-summaries`: what a player did from coming to leaving.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One session of one player. Its window is `[session_start, session_end + 1 ms)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayerSessionSummary {
    /// The game.
    pub game_id: String,
    /// The player.
    pub player_id: String,
    /// The session, as its events name it. One name comes again where it is used again after a gap.
    pub session_id: String,
    /// The platform of the first event, the least of several at that instant; null in a session that
    /// is withdrawn.
    pub platform: Option<String>,
    /// The time of the first event.
    pub session_start: Timestamp,
    /// The time of the last event.
    pub session_end: Timestamp,
    /// From the first event to the last, in seconds to the millisecond.
    pub duration_s: f64,
    /// Accepted player events; 0 in a session that is withdrawn.
    pub events: u64,
    /// Those that complete a level.
    pub level_completes: u64,
    /// Distinct levels, ascending.
    pub levels: Vec<String>,
    /// Whether there were more levels: `levels` holds the least of them then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_levels: bool,
    /// Distinct maps, ascending.
    pub maps: Vec<String>,
    /// Whether there were more maps: `maps` holds the least of them then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_maps: bool,
}
