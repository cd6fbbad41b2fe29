//! What people and visitors of the store do, before it is delayed, perhaps broken, and sent.

use crate::event::Topic;

/// An event with what the truth about the run must know of it.
pub(crate) struct Deed {
    /// The time in microseconds since the start of the world.
    pub(crate) at_us: i64,
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) fact: Fact,
}

/// What happened, for the key performance indicators of the truth file. Players and visitors have numbers; games are
/// indexes into the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A player logged in; an event of the player in the topic `player-events`.
    LogIn { player: u64, game: u16 },
    /// A player logged out; an event of the player in the topic `player-events`.
    LogOut { player: u64, game: u16 },
    /// Another event of a player in the topic `player-events`.
    Action { player: u64, game: u16 },
    /// A purchase, or a refund with a negative amount, in minor units of the currency with this index.
    Payment {
        player: u64,
        game: u16,
        currency: u16,
        minor: i64,
    },
    /// An event that no indicator counts.
    Other,
}
