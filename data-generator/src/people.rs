//! People who live in the games: they arrive, play on some days at some hours, buy, and leave for good.

mod payload;
mod person;
mod persona;
mod shard;
mod teller;
#[cfg(test)]
mod tests;
mod visit;

pub(crate) use self::payload::GameStatus;
use self::person::Person;
pub(crate) use self::shard::Shard;
use crate::catalogue::Catalogue;
use crate::deed::Mark;
use crate::dice::Dice;

/// The random stream that chooses the hard level.
const HARD: u64 = 3;
/// How many times as hard a planted level is as its place on the map suggests.
const HARD_FACTOR: f64 = 4.0;
/// The hard level is one of the first levels of a map, which many people reach.
const HARD_LEVELS: (i64, i64) = (3, 4);

/// The parameters of the people of a world.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// A part of ids that depends on the start of the world.
    pub(crate) run: String,
    pub(crate) start_ms: i64,
    /// The number of people who arrive in 30 days.
    pub(crate) players: u32,
    /// Whether one level is much harder than the levels around it.
    pub(crate) hard_level: bool,
}

/// A level that is much harder than the levels around it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hard {
    pub(crate) game_id: String,
    pub(crate) map_id: String,
    pub(crate) level: u16,
    pub(crate) factor: f64,
}

impl Hard {
    /// Chooses a level on the first map of a random game.
    pub(crate) fn choose(seed: u64, catalogue: &Catalogue) -> Self {
        let mut dice = Dice::new(seed, HARD);
        let game = catalogue.choose(&mut dice);
        Self {
            game_id: game.id.clone(),
            map_id: game.maps[0].id.clone(),
            level: dice.between(HARD_LEVELS.0, HARD_LEVELS.1) as u16,
            factor: HARD_FACTOR,
        }
    }

    fn is_here(&self, person: &Person) -> bool {
        let progress = &person.progress;
        progress.level == self.level
            && person.game.id == self.game_id
            && person.game.maps[progress.map].id == self.map_id
    }
}

impl Mark {
    fn log_in(person: &Person) -> Self {
        let (player, game) = (person.number, person.game_index);
        Self::LogIn { player, game }
    }

    fn log_out(person: &Person) -> Self {
        let (player, game) = (person.number, person.game_index);
        Self::LogOut { player, game }
    }
}
