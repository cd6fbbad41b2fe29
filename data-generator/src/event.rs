//! One generated record, and what is known about it.

/// Why a broken record has to be rejected.
pub use model::reject::Reason as Broken;

/// The source topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What players do.
    PlayerEvents,
    /// What they buy and give back.
    PurchaseEvents,
    /// How the servers are.
    ServerMetrics,
}

impl Topic {
    /// Every topic, in the order of their declaration.
    pub const ALL: [Self; 3] = [
        Self::PlayerEvents,
        Self::PurchaseEvents,
        Self::ServerMetrics,
    ];

    /// The topic's name in the cluster.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PlayerEvents => "player-events",
            Self::PurchaseEvents => "purchase-events",
            Self::ServerMetrics => "server-metrics",
        }
    }
}

/// A record, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it goes.
    pub topic: Topic,
    /// The player, user or server that it is about, also when the value is broken.
    pub key: String,
    /// The payload: a JSON object, unless it is broken.
    pub value: Vec<u8>,
    /// When it is sent, in milliseconds since the Unix epoch.
    pub emitted_ms: i64,
    /// When it happened; what a valid value has as its `event_timestamp`.
    pub event_ms: i64,
    /// What is wrong with the value, if anything.
    pub broken: Option<Broken>,
    /// The number of the planted incident that it is part of, if any.
    pub incident: Option<u64>,
}
