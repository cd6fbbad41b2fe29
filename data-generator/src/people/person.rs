//! A person: traits that never change, the progress in a game, and the days of playing.

use std::sync::Arc;

use super::persona::Persona;
use super::visit::Visit;
use crate::calendar::{COUNTRY_WEIGHTS, Calendar};
use crate::catalogue::{Catalogue, Game};
use crate::dice::Dice;
use crate::wallet::Wallet;

/// The first number of the random streams of people. Each visit of a person has its own stream, so that no life depends
/// on another.
const LIVES: u64 = 1 << 62;
const VISITS_BITS: u32 = 16;
/// The maximum number of visits a day.
const VISITS_A_DAY: usize = 3;
/// The minimum pause between two visits.
const REST_US: i64 = 600_000_000;

pub(super) struct Person {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) persona: Persona,
    pub(super) game: Arc<Game>,
    /// The index of the game in the catalogue.
    pub(super) game_index: u16,
    pub(super) platform: usize,
    pub(super) region: usize,
    pub(super) country: usize,
    pub(super) is_in_treatment: bool,
    pub(super) skill: u32,
    pub(super) wallet: Wallet,
    pub(super) progress: Progress,
    pub(super) visit: Option<Box<Visit>>,
    born_day: i64,
    /// The age in days of the last day on which the person may play.
    lifetime: u32,
    visits: u64,
    /// The starts of the further visits of the day, the last first.
    further: Vec<i64>,
}

/// How far a person has come in the game.
pub(super) struct Progress {
    /// The index of the map.
    pub(super) map: usize,
    pub(super) level: u16,
    /// The failed attempts on the level.
    pub(super) fails: u32,
    pub(super) completes: u32,
    /// The person's coins, a virtual currency.
    pub(super) coins: i64,
}

impl Person {
    pub(super) fn new(seed: u64, number: u64, born_day: i64, catalogue: &Catalogue) -> Self {
        let mut nature = Dice::new(seed, stream(number, 0));
        let persona = Persona::choose(&mut nature);
        let habits = persona.habits();
        let game = catalogue.choose(&mut nature);
        let index = catalogue.games().position(|other| other.id == game.id);
        let goods = &catalogue.goods;
        Self {
            number,
            id: format!("player_{seed}p{number}"),
            persona,
            game,
            game_index: index.unwrap_or_default() as u16,
            platform: goods.platforms.choose(&mut nature),
            region: nature.index(goods.regions.len()),
            country: nature.weighted(&COUNTRY_WEIGHTS),
            is_in_treatment: nature.chance(0.5),
            skill: nature.between(habits.skill.0, habits.skill.1) as u32,
            wallet: Wallet::new(
                goods.currencies.choose(&mut nature),
                goods.price_ranges.choose(&mut nature),
            ),
            progress: Progress {
                map: 0,
                level: 1,
                fails: 0,
                completes: 0,
                coins: 0,
            },
            visit: None,
            born_day,
            lifetime: habits.lifetime(&mut nature),
            visits: 0,
            further: Vec::new(),
        }
    }

    /// Returns the random numbers of the person's next visit.
    pub(super) fn next_visit(&mut self, seed: u64) -> (u64, Dice) {
        self.visits += 1;
        (
            self.visits,
            Dice::new(seed, stream(self.number, self.visits)),
        )
    }

    /// Chooses the visits of a day on which the person plays, and returns the start of the first.
    pub(super) fn plan_day(&mut self, day: i64, calendar: &Calendar, dice: &mut Dice) -> i64 {
        let again = f64::from(self.persona.habits().again) / 100.0;
        let mut starts = vec![calendar.time_of_day(day, self.country, dice)];
        while starts.len() < VISITS_A_DAY && dice.chance(again) {
            starts.push(calendar.time_of_day(day, self.country, dice));
        }
        starts.sort_unstable_by(|a, b| b.cmp(a));
        let first = starts.pop().expect("a day has a visit");
        self.further = starts;
        first
    }

    /// Returns the start of the visit after one that ended at `now_us`; `None` if the person has left for good.
    pub(super) fn next_start(
        &mut self,
        now_us: i64,
        calendar: &Calendar,
        dice: &mut Dice,
    ) -> Option<i64> {
        while let Some(start) = self.further.pop() {
            if start >= now_us + REST_US {
                return Some(start);
            }
        }
        let plays = f64::from(self.persona.habits().plays) / 100.0;
        let today = calendar.day_of(now_us);
        let last = self.born_day + i64::from(self.lifetime);
        let day = (today + 1..=last).find(|_| dice.chance(plays))?;
        Some(self.plan_day(day, calendar, dice).max(now_us + REST_US))
    }
}

fn stream(number: u64, visit: u64) -> u64 {
    LIVES | (number << VISITS_BITS) | (visit & ((1 << VISITS_BITS) - 1))
}
