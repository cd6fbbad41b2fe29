//! What people and visitors of the store do, before it is delayed, perhaps broken, and sent.

use crate::event::Topic;

/// An event, and what the world must know of it.
pub(crate) struct Deed {
    /// The time in microseconds since the start of the world.
    pub(crate) at_us: i64,
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) mark: Option<Mark>,
}

/// What the world must know of an event. The game is its index in the catalogue.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    /// A player logs in.
    LogIn { player: u64, game: u16 },
    /// A player logs out.
    LogOut { player: u64, game: u16 },
    /// An attempt on the level that is too hard ends.
    HardLevel,
}
