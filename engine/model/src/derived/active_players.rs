//! The record of `active-players`: the number of players who are active in a game, in total and by platform.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The players of one game in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivePlayers {
    /// The game.
    pub game_id: String,
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
    /// The number of accepted player events.
    pub events: u64,
    /// The number of distinct players by platform. Only a limited number of platforms have their own entry;
    /// players of all others are counted together under `other`. A player on two platforms counts for both.
    pub by_platform: BTreeMap<String, u64>,
    /// The relative error of the counts in `by_platform` that are estimates: two standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_platform_error: Option<f64>,
}
