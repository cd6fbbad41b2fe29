//! Lists the three sources, and the fields of their events.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Source {
    Players,
    Purchases,
    Servers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    /// A game id, which may be missing.
    Game,
    /// The type of a transaction, `purchase` or `refund`.
    Type,
    Time,
    Amount,
    Percent,
    Latency,
}

/// The section, name and kind of each field. A currency precedes its amount, because it determines the amount's
/// decimal digits.
type Fields = &'static [(&'static str, &'static str, Field)];

const PLAYER: Fields = &[
    ("", "event_name", Field::Id),
    ("", "event_timestamp", Field::Time),
    ("parameters", "game_id", Field::Game),
    ("parameters", "player_id", Field::Id),
    ("parameters", "session_id", Field::Id),
    ("parameters", "event_type", Field::Id),
    ("parameters", "level_id", Field::Id),
    ("parameters", "map_id", Field::Id),
    ("user_data", "user_id", Field::Id),
    ("user_data", "platform", Field::Id),
];
const PURCHASE: Fields = &[
    ("", "event_name", Field::Id),
    ("", "event_timestamp", Field::Time),
    ("parameters", "game_id", Field::Game),
    ("parameters", "transaction_id", Field::Id),
    ("parameters", "transaction_type", Field::Type),
    ("parameters", "currency", Field::Id),
    ("parameters", "amount", Field::Amount),
    ("parameters", "item_id", Field::Id),
    ("parameters", "item_type", Field::Id),
    ("user_data", "user_id", Field::Id),
    ("user_data", "platform", Field::Id),
];
const SERVER: Fields = &[
    ("", "event_name", Field::Id),
    ("", "event_timestamp", Field::Time),
    ("parameters", "server_id", Field::Id),
    ("parameters", "cpu_load", Field::Percent),
    ("parameters", "memory_usage", Field::Percent),
    ("parameters", "latency", Field::Latency),
    ("server_data", "region", Field::Id),
    ("server_data", "server_type", Field::Id),
];

impl Source {
    pub(super) const ALL: [Self; 3] = [Self::Players, Self::Purchases, Self::Servers];

    pub(super) fn topic(self) -> &'static str {
        ["player-events", "purchase-events", "server-metrics"][self as usize]
    }

    pub(super) fn event_name(self) -> &'static str {
        ["player_action", "transaction", "server_metric"][self as usize]
    }

    pub(super) fn fields(self) -> Fields {
        [PLAYER, PURCHASE, SERVER][self as usize]
    }

    /// Returns the source with this topic.
    pub(super) fn of_topic(topic: &str) -> Self {
        let found = Self::ALL.into_iter().find(|one| one.topic() == topic);
        found.unwrap_or_else(|| panic!("`{topic}` is not a source"))
    }
}
