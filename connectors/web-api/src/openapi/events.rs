//! What a body looks like, for the document alone: bodies are cut and parsed without these types.
#![allow(
    dead_code,
    clippy::large_enum_variant,
    reason = "only their shape is used"
)]

use serde::Serialize;
use utoipa::ToSchema;

/// One event, or an array of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PlayerEvents {
    One(PlayerEvent),
    Many(Vec<PlayerEvent>),
}

/// One event, or an array of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PurchaseEvents {
    One(PurchaseEvent),
    Many(Vec<PurchaseEvent>),
}

/// One event, or an array of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ServerMetrics {
    One(ServerMetric),
    Many(Vec<ServerMetric>),
}

/// One event, or an array of them. Each goes to the topic of its `event_name`: `player_action`,
/// `transaction` or `server_metric`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AnyEvents {
    One(AnyEvent),
    Many(Vec<AnyEvent>),
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AnyEvent {
    Player(PlayerEvent),
    Purchase(PurchaseEvent),
    Server(ServerMetric),
}

/// What a player did. Fields that are not named here are kept as they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlayerEvent {
    #[schema(example = "player_action", min_length = 1, max_length = 256)]
    event_name: String,
    /// RFC 3339; without an offset it is UTC.
    #[schema(example = "2026-11-21T10:15:30Z", format = DateTime)]
    event_timestamp: String,
    parameters: PlayerParameters,
    user_data: UserData,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PlayerParameters {
    /// The game; `default` where it is absent.
    #[schema(example = "default", min_length = 1, max_length = 256)]
    game_id: Option<String>,
    #[schema(example = "player_1", min_length = 1, max_length = 256)]
    player_id: String,
    #[schema(example = "session_1", min_length = 1, max_length = 256)]
    session_id: String,
    /// `move`, `interaction`, `level_complete`, …; an open set.
    #[schema(example = "move", min_length = 1, max_length = 256)]
    event_type: String,
    #[schema(example = "level_01", min_length = 1, max_length = 256)]
    level_id: String,
    #[schema(example = "map_01", min_length = 1, max_length = 256)]
    map_id: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserData {
    #[schema(example = "player_1", min_length = 1, max_length = 256)]
    user_id: String,
    #[schema(example = "PC", min_length = 1, max_length = 256)]
    platform: String,
}

/// Money that a user paid or got back.
#[derive(Serialize, ToSchema)]
pub(crate) struct PurchaseEvent {
    #[schema(example = "transaction", min_length = 1, max_length = 256)]
    event_name: String,
    /// RFC 3339; without an offset it is UTC.
    #[schema(example = "2026-11-21T10:15:30Z", format = DateTime)]
    event_timestamp: String,
    parameters: PurchaseParameters,
    user_data: UserData,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PurchaseParameters {
    /// The game; `default` where it is absent.
    #[schema(example = "default", min_length = 1, max_length = 256)]
    game_id: Option<String>,
    #[schema(example = "transaction_1", min_length = 1, max_length = 256)]
    transaction_id: String,
    transaction_type: TransactionType,
    /// ISO 4217.
    #[schema(example = "USD", min_length = 1, max_length = 256)]
    currency: String,
    /// In the currency's major unit.
    #[schema(example = 4.99, minimum = 0)]
    amount: f64,
    #[schema(example = "sword_01", min_length = 1, max_length = 256)]
    item_id: String,
    #[schema(example = "weapon", min_length = 1, max_length = 256)]
    item_type: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TransactionType {
    Purchase,
    Refund,
}

/// How a server fares.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerMetric {
    #[schema(example = "server_metric", min_length = 1, max_length = 256)]
    event_name: String,
    /// RFC 3339; without an offset it is UTC.
    #[schema(example = "2026-11-21T10:15:30Z", format = DateTime)]
    event_timestamp: String,
    parameters: ServerParameters,
    server_data: ServerData,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ServerParameters {
    #[schema(example = "eu-1", min_length = 1, max_length = 256)]
    server_id: String,
    /// Percent.
    #[schema(example = 42.5, minimum = 0, maximum = 100)]
    cpu_load: f64,
    /// Percent.
    #[schema(example = 61, minimum = 0, maximum = 100)]
    memory_usage: f64,
    /// Milliseconds.
    #[schema(example = 23, minimum = 0, maximum = 86400000)]
    latency: f64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ServerData {
    #[schema(example = "eu", min_length = 1, max_length = 256)]
    region: String,
    #[schema(example = "dedicated", min_length = 1, max_length = 256)]
    server_type: String,
}
