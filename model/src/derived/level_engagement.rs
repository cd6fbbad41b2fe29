//! `level-engagement`: who is active on which level and map, and who completes it.

use serde::{Deserialize, Serialize};

/// Engagement on one map of one level in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelEngagement {
    /// The game.
    pub game_id: String,
    /// The level.
    pub level_id: String,
    /// The map within the level.
    pub map_id: String,
    /// Accepted player events.
    pub events: u64,
    /// Distinct players.
    pub active_players: u64,
    /// The relative error of `active_players`, where it is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_players_error: Option<f64>,
    /// Distinct sessions.
    pub sessions: u64,
    /// The relative error of `sessions`, where it is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_error: Option<f64>,
    /// Events of type `move`.
    pub moves: u64,
    /// Events of type `interaction`.
    pub interactions: u64,
    /// Events of type `level_complete`.
    pub level_completes: u64,
    /// Distinct sessions with a `level_complete`.
    pub completing_sessions: u64,
    /// The relative error of `completing_sessions`, where it is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completing_sessions_error: Option<f64>,
    /// `completing_sessions` / `sessions` to four decimals, at most 1; null without sessions.
    pub completion_rate: Option<f64>,
}
