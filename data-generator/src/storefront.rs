//! Visitors of the store in which people buy games: they search, view pages, fill wishlists and carts, and buy.

mod odds;
mod payload;
#[cfg(test)]
mod tests;
mod visit;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::odds::PERSONAS;
use self::visit::{Visit, Visitor};
use crate::calendar::{COUNTRY_WEIGHTS, Calendar, arrivals};
use crate::catalogue::{Catalogue, Game};
use crate::deed::Deed;
use crate::dice::Dice;
use crate::people::Settings;

/// The first number of the random streams of visitors. Each visit has its own stream.
const VISITORS: u64 = 1 << 60;
const VISITS_BITS: u32 = 8;
/// Visitors who come back do so after a time in this range.
const AWAY_US: (i64, i64) = (3_600_000_000, 172_800_000_000);
/// A visitor makes at most this many visits.
const VISITS_MAX: u64 = 10;

/// What all visits have in common.
struct Store {
    seed: u64,
    run: String,
    start_ms: i64,
    /// The number of visitors who come for the first time in 30 days.
    visitors: u32,
    catalogue: Arc<Catalogue>,
    games: Vec<Arc<Game>>,
    calendar: Calendar,
}

/// What is due at a time.
enum Due {
    Day(i64),
    Visit(Visitor),
    Deed(Deed),
}

/// An endless iterator over what visitors do, in the order of time.
pub(crate) struct Storefront {
    store: Store,
    /// What is due, by time; a number orders what is due at the same time.
    agenda: BTreeMap<(i64, u64), Due>,
    counter: u64,
}

impl Storefront {
    /// Creates a store with as many visitors as people arrive in the games.
    pub(crate) fn new(settings: &Settings, catalogue: Arc<Catalogue>) -> Self {
        let store = Store {
            seed: settings.seed,
            run: settings.run.clone(),
            start_ms: settings.start_ms,
            visitors: settings.players,
            games: catalogue.shared_games().to_vec(),
            catalogue,
            calendar: Calendar::new(settings.start_ms),
        };
        Self {
            store,
            agenda: BTreeMap::from([((0, 0), Due::Day(0))]),
            counter: 0,
        }
    }

    fn schedule(&mut self, at_us: i64, due: Due) {
        self.counter += 1;
        self.agenda.insert((at_us, self.counter), due);
    }

    /// Schedules the first visits of the visitors who come for the first time on a day.
    fn begin_day(&mut self, day: i64) {
        for number in arrivals(self.store.visitors, day) {
            let (visitor, start_us) = self.store.newcomer(number, day);
            if start_us >= 0 {
                self.schedule(start_us, Due::Visit(visitor));
            }
        }
        let tomorrow = self.store.calendar.begin_us(day + 1);
        self.schedule(tomorrow, Due::Day(day + 1));
    }

    fn visit(&mut self, mut visitor: Visitor, now_us: i64) {
        visitor.visits += 1;
        let habits = &PERSONAS[visitor.persona];
        let mut visit = Visit {
            dice: self.store.dice(visitor.number, visitor.visits),
            day: self.store.calendar.day_of(now_us),
            store: &self.store,
            habits,
            now_us,
            deeds: Vec::new(),
            cart: Vec::new(),
            visitor: &mut visitor,
        };
        let end_us = visit.plan();
        let mut dice = visit.dice;
        for deed in visit.deeds {
            self.schedule(deed.at_us, Due::Deed(deed));
        }
        if visitor.visits < VISITS_MAX && dice.percent(habits.returns) {
            let start_us = end_us + dice.between(AWAY_US.0, AWAY_US.1);
            self.schedule(start_us, Due::Visit(visitor));
        }
    }
}

impl Store {
    fn dice(&self, visitor: u64, visit: u64) -> Dice {
        Dice::new(self.seed, VISITORS | (visitor << VISITS_BITS) | visit)
    }

    /// Returns a new visitor, and the start of the first visit.
    fn newcomer(&self, number: u64, day: i64) -> (Visitor, i64) {
        let mut dice = self.dice(number, 0);
        let country = dice.weighted(&COUNTRY_WEIGHTS);
        let visitor = Visitor {
            number,
            id: format!("shopper_{}_{number}", self.seed),
            persona: dice.weighted(&[PERSONAS[0].weight, PERSONAS[1].weight, PERSONAS[2].weight]),
            region: dice.index(self.catalogue.goods.regions.len()),
            visits: 0,
            seen: 0,
            wishes: 0,
        };
        (visitor, self.calendar.time_of_day(day, country, &mut dice))
    }
}

impl Iterator for Storefront {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        loop {
            let ((now_us, _), due) = self.agenda.pop_first()?;
            match due {
                Due::Deed(deed) => return Some(deed),
                Due::Day(day) => self.begin_day(day),
                Due::Visit(visitor) => self.visit(visitor, now_us),
            }
        }
    }
}
