//! The games of the world, and what its players can buy, from a YAML file that users can replace.

mod file;
mod goods;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use model::event::DEFAULT_GAME_ID;

pub use self::file::CatalogueError;
pub(crate) use self::goods::{Goods, Item, PriceRange};
use crate::dice::Dice;

/// The games of a world, and what all of them have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    pub(crate) goods: Goods,
    games: Vec<Arc<Game>>,
    /// Each game's share of the players, in the order of `games`.
    shares: Vec<u32>,
}

/// A game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    /// The id; `default` if the game's events have no `game_id`.
    pub id: String,
    /// The name, for people.
    pub name: String,
    /// The genre, for people.
    pub genre: String,
    /// The number of levels of every map.
    pub levels: u16,
    /// The maps, at least one.
    pub maps: Vec<Map>,
    /// The text of the cover, an SVG image.
    pub cover: Option<String>,
}

/// A map of a game. Its difficulty rises linearly from the first level to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// The id, which is the field `map_id` of events.
    pub id: String,
    /// The difficulty of the first level.
    pub easiest: u32,
    /// The difficulty of the last level.
    pub hardest: u32,
}

impl Catalogue {
    /// Returns the repository's catalogue, which is embedded at build time.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        Arc::new(file::built_in())
    }

    /// Reads a catalogue and the covers beside it.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        file::read(path)
    }

    /// Returns the games in the order of the file.
    pub fn games(&self) -> impl Iterator<Item = &Game> {
        self.games.iter().map(AsRef::as_ref)
    }

    /// Returns the games in the order of the file, to keep.
    pub(crate) fn shared_games(&self) -> &[Arc<Game>] {
        &self.games
    }

    /// Returns the game of a random player.
    pub(crate) fn choose(&self, dice: &mut Dice) -> Arc<Game> {
        Arc::clone(&self.games[dice.weighted(&self.shares)])
    }
}

impl Game {
    /// Returns the field `game_id` of the game's events.
    pub(crate) fn event_id(&self) -> Option<&str> {
        (self.id != DEFAULT_GAME_ID).then_some(&*self.id)
    }

    /// Returns the difficulty of a level, counted from 1, of the map with this index.
    pub fn difficulty(&self, map: usize, level: u16) -> f64 {
        let Map {
            easiest, hardest, ..
        } = self.maps[map];
        let share = f64::from(level - 1) / f64::from(self.levels - 1);
        f64::from(easiest) + (f64::from(hardest) - f64::from(easiest)) * share
    }

    /// Returns the index of a random map.
    pub(crate) fn choose_map(&self, dice: &mut Dice) -> usize {
        dice.index(self.maps.len())
    }
}
