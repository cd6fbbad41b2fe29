//! `active-players`: how many players a game has right now, and on which platforms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The players of one game in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivePlayers {
    /// The game.
    pub game_id: String,
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
    /// Accepted player events.
    pub events: u64,
    /// Distinct players by platform; of many platforms the rest together under `other`. A player who
    /// was on two counts for both.
    pub by_platform: BTreeMap<String, u64>,
    /// The relative error of those of `by_platform` that are estimates, where any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_platform_error: Option<f64>,
}
