//! The record of `level-engagement`: how many players are active on each level and map, and how many sessions
//! complete the level.

use serde::{Deserialize, Serialize};

/// Engagement on one map of one level in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelEngagement {
    /// The game.
    pub game_id: String,
    /// The level.
    pub level_id: String,
    /// The level's map.
    pub map_id: String,
    /// The number of accepted player events.
    pub events: u64,
    /// The number of distinct players.
    pub active_players: u64,
    /// The relative error of `active_players` if it is an estimate: two standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_players_error: Option<f64>,
    /// The number of distinct sessions.
    pub sessions: u64,
    /// The relative error of `sessions` if it is an estimate: two standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_error: Option<f64>,
    /// The number of events of type `move`.
    pub moves: u64,
    /// The number of events of type `interaction`.
    pub interactions: u64,
    /// The number of events of type `level_complete`.
    pub level_completes: u64,
    /// The number of distinct sessions with a `level_complete`.
    pub completing_sessions: u64,
    /// The relative error of `completing_sessions` if it is an estimate: two standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completing_sessions_error: Option<f64>,
    /// `completing_sessions` / `sessions` to four decimals, at most 1; null if all events of the row turned out to be
    /// late.
    pub completion_rate: Option<f64>,
}
