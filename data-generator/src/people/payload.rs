//! The events of `game-events` and `game-status`.

use model::time::Timestamp;
use serde::Serialize;

/// An event of a player. Each type of event has some of the optional fields.
#[derive(Serialize, Default)]
pub(super) struct GameEvent<'a> {
    pub(super) event_type: &'static str,
    pub(super) event_timestamp: Timestamp,
    pub(super) game_id: &'a str,
    pub(super) player_id: &'a str,
    pub(super) session_id: &'a str,
    pub(super) platform: &'a str,
    pub(super) region: &'a str,
    #[serde(flatten)]
    pub(super) details: Details<'a>,
}

/// The fields that depend on the type of the event.
#[derive(Serialize, Default)]
pub(super) struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fps: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packet_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) map_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) level_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) player_level: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sentiment_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item_id: Option<&'a str>,
}

/// The number of people online in a game.
#[derive(Serialize)]
pub(crate) struct GameStatus<'a> {
    pub(crate) event_type: &'static str,
    pub(crate) event_timestamp: Timestamp,
    pub(crate) game_id: &'a str,
    pub(crate) player_count: u64,
}
