//! The bodies of requests, for the OpenAPI document only: bodies are split and parsed without these types.
#![allow(
    dead_code,
    clippy::large_enum_variant,
    reason = "only the schema is used"
)]

use serde::Serialize;
use utoipa::ToSchema;

/// One event, an array of events, or an array with the time at which it was sent.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PlayerEvents {
    One(PlayerEvent),
    Many(Vec<PlayerEvent>),
    Sent(SentPlayerEvents),
}

/// Events with the time at which they were sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentPlayerEvents {
    /// The time of sending by the sender's clock, in RFC 3339. A time without an offset from UTC is taken as UTC.
    #[schema(example = "2026-11-21T10:15:31Z", format = DateTime)]
    sent_at: Option<String>,
    events: Vec<PlayerEvent>,
}

/// One event, an array of events, or an array with the time at which it was sent.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PurchaseEvents {
    One(PurchaseEvent),
    Many(Vec<PurchaseEvent>),
    Sent(SentPurchaseEvents),
}

/// Events with the time at which they were sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentPurchaseEvents {
    /// The time of sending by the sender's clock, in RFC 3339. A time without an offset from UTC is taken as UTC.
    #[schema(example = "2026-11-21T10:15:31Z", format = DateTime)]
    sent_at: Option<String>,
    events: Vec<PurchaseEvent>,
}

/// One event, an array of events, or an array with the time at which it was sent.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ServerMetrics {
    One(ServerMetric),
    Many(Vec<ServerMetric>),
    Sent(SentServerMetrics),
}

/// Events with the time at which they were sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentServerMetrics {
    /// The time of sending by the sender's clock, in RFC 3339. A time without an offset from UTC is taken as UTC.
    #[schema(example = "2026-11-21T10:15:31Z", format = DateTime)]
    sent_at: Option<String>,
    events: Vec<ServerMetric>,
}

/// One event, an array of events, or an array with the time at which it was sent. Each event is written to
/// the topic of its `event_name`: `player_action`, `transaction` or `server_metric`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AnyEvents {
    One(AnyEvent),
    Many(Vec<AnyEvent>),
    Sent(SentEvents),
}

/// Events with the time at which they were sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentEvents {
    /// The time of sending by the sender's clock, in RFC 3339. A time without an offset from UTC is taken as UTC.
    #[schema(example = "2026-11-21T10:15:31Z", format = DateTime)]
    sent_at: Option<String>,
    events: Vec<AnyEvent>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AnyEvent {
    Player(PlayerEvent),
    Purchase(PurchaseEvent),
    Server(ServerMetric),
}

/// An action of a player. Fields that are not listed here are kept as they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlayerEvent {
    #[schema(example = "player_action", min_length = 1, max_length = 256)]
    event_name: String,
    /// RFC 3339, but the offset may be absent; the time is then UTC.
    #[schema(example = "2026-11-21T10:15:30Z", format = DateTime)]
    event_timestamp: String,
    parameters: PlayerParameters,
    user_data: UserData,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PlayerParameters {
    /// The game; `default` if absent.
    #[schema(example = "default", min_length = 1, max_length = 256)]
    game_id: Option<String>,
    #[schema(example = "player_1", min_length = 1, max_length = 256)]
    player_id: String,
    #[schema(example = "session_1", min_length = 1, max_length = 256)]
    session_id: String,
    /// `move`, `interaction`, `level_complete` or any other type.
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

/// A payment or refund of a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct PurchaseEvent {
    #[schema(example = "transaction", min_length = 1, max_length = 256)]
    event_name: String,
    /// RFC 3339, but the offset may be absent; the time is then UTC.
    #[schema(example = "2026-11-21T10:15:30Z", format = DateTime)]
    event_timestamp: String,
    parameters: PurchaseParameters,
    user_data: UserData,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PurchaseParameters {
    /// The game; `default` if absent.
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

/// A measurement of a server's load.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerMetric {
    #[schema(example = "server_metric", min_length = 1, max_length = 256)]
    event_name: String,
    /// RFC 3339, but the offset may be absent; the time is then UTC.
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
