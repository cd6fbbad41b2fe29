//! The record of `player-session-summaries`: what a player did in one session.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One session of one player. Its window is `[session_start, session_end + 1 ms)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayerSessionSummaries {
    /// The game.
    pub game_id: String,
    /// The player.
    pub player_id: String,
    /// The session id of the events. If the id is used again after a gap, the events after the gap have a record of
    /// their own.
    pub session_id: String,
    /// The platform of the first event. If several events have the earliest time, this is the first of their
    /// platforms in byte order; null in a withdrawn session.
    pub platform: Option<String>,
    /// The time of the first event.
    pub session_start: Timestamp,
    /// The time of the last event.
    pub session_end: Timestamp,
    /// The time from the first event to the last, in seconds to three decimals.
    pub duration_s: f64,
    /// The number of accepted player events; 0 in a withdrawn session.
    pub events: u64,
    /// The number of events that complete a level.
    pub level_completes: u64,
    /// The distinct levels in ascending order.
    pub levels: Vec<String>,
    /// Whether there were more levels. `levels` then contains only the first ones in byte order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_levels: bool,
    /// The distinct maps in ascending order.
    pub maps: Vec<String>,
    /// Whether there were more maps. `maps` then contains only the first ones in byte order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_maps: bool,
}
