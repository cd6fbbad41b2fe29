//! One generated record with its labels.

/// The reason for which a broken record must be rejected.
pub use model::reject::Reason as Broken;

/// The maximum time between an event and its sending. Event times in a topic are out of order by at most this.
pub const DELAY_MS_MAX: i64 = 1_500;

/// The source topics of generated events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Actions of players.
    PlayerEvents,
    /// Purchases and refunds.
    PurchaseEvents,
    /// Reports of servers.
    ServerMetrics,
    /// What people do in their games: logins, matches, levels, heartbeats and more.
    GameEvents,
    /// The numbers of people online in each game.
    GameStatus,
    /// The journeys of visitors of the store: page views, wishlists, carts, purchases and searches.
    StoreEvents,
}

impl Topic {
    /// The topics of raw telemetry, which every world has.
    pub const TELEMETRY: [Self; 3] = [
        Self::PlayerEvents,
        Self::PurchaseEvents,
        Self::ServerMetrics,
    ];
    /// All topics, in the order of their declaration.
    pub const ALL: [Self; 6] = [
        Self::PlayerEvents,
        Self::PurchaseEvents,
        Self::ServerMetrics,
        Self::GameEvents,
        Self::GameStatus,
        Self::StoreEvents,
    ];

    /// The field with the event time.
    pub(crate) fn event_time(self) -> &'static str {
        match self {
            Self::StoreEvents => "timestamp",
            _ => "event_timestamp",
        }
    }

    /// The topic's name in the cluster.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PlayerEvents => "player-events",
            Self::PurchaseEvents => "purchase-events",
            Self::ServerMetrics => "server-metrics",
            Self::GameEvents => "game-events",
            Self::GameStatus => "game-status",
            Self::StoreEvents => "store-events",
        }
    }
}

/// A record, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The topic.
    pub topic: Topic,
    /// The key: the id of the event's player, user or server, even if the value is broken.
    pub key: String,
    /// The payload: a JSON object, unless it is broken.
    pub value: Vec<u8>,
    /// The time of sending, in milliseconds since the Unix epoch.
    pub emitted_ms: i64,
    /// The event time, in milliseconds since the Unix epoch; equal to the value's `event_timestamp`, unless the value
    /// is broken.
    pub event_ms: i64,
    /// The reject reason of a broken value.
    pub broken: Option<Broken>,
    /// The number of the planted incident for which this event is evidence.
    pub incident: Option<u64>,
}
