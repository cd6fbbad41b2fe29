//! What people and visitors of the store do, before it is delayed, perhaps broken, and sent.

use crate::event::Topic;

/// An event, and whether its player comes or goes.
pub(crate) struct Deed {
    /// The time in microseconds since the start of the world.
    pub(crate) at_us: i64,
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) presence: Option<Presence>,
}

/// A change of who is online. The game is its index in the catalogue.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Presence {
    LogIn { player: u64, game: u16 },
    LogOut { player: u64, game: u16 },
}
