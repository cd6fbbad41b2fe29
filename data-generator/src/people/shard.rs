//! One of the shards of the people: each lives independently of the others, so shards can be simulated in parallel.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use model::time::Timestamp;

use super::person::Person;
use super::teller::Teller;
use super::visit::Visit;
use super::{Hard, Settings};
use crate::calendar::{Calendar, arrivals};
use crate::catalogue::Catalogue;
use crate::deed::Deed;
use crate::dice::Dice;

/// The number of shards. It does not depend on the number of tasks, so that the events do not either.
const SHARDS: u64 = 8;
/// The first number of the random streams for the arrivals of a shard.
const ARRIVALS: u64 = 1 << 61;

/// What is due at a time: a day begins, or the person in a place does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Day(i64),
    Person(usize),
}

/// An endless iterator over what the people of a shard do, in the order of time.
pub(crate) struct Shard {
    settings: Settings,
    catalogue: Arc<Catalogue>,
    hard: Option<Hard>,
    number: u64,
    calendar: Calendar,
    arrivals: Dice,
    people: Vec<Option<Person>>,
    free: Vec<usize>,
    agenda: BinaryHeap<Reverse<(i64, Due)>>,
    deeds: VecDeque<Deed>,
    transactions: u64,
}

impl Shard {
    /// Returns the shards of a world.
    pub(crate) fn all(
        settings: &Settings,
        catalogue: &Arc<Catalogue>,
    ) -> impl Iterator<Item = Self> {
        (0..SHARDS).map(|number| Self::new(settings.clone(), Arc::clone(catalogue), number))
    }

    fn new(settings: Settings, catalogue: Arc<Catalogue>, number: u64) -> Self {
        Self {
            hard: settings
                .hard_level
                .then(|| Hard::choose(settings.seed, &catalogue)),
            number,
            calendar: Calendar::new(settings.start_ms),
            arrivals: Dice::new(settings.seed, ARRIVALS | number),
            people: Vec::new(),
            free: Vec::new(),
            agenda: BinaryHeap::from([Reverse((0, Due::Day(0)))]),
            deeds: VecDeque::new(),
            transactions: 0,
            settings,
            catalogue,
        }
    }

    /// Lets the people of a day arrive: those of all shards have consecutive numbers, of which each shard has every
    /// `SHARDS`th. No one arrives before the start of the world.
    fn begin_day(&mut self, day: i64) {
        let shard = self.number;
        let arrivals = arrivals(self.settings.players, day);
        for number in arrivals.filter(|number| (number - 1) % SHARDS == shard) {
            let mut person = Person::new(self.settings.seed, number, day, &self.catalogue);
            let start = person.plan_day(day, &self.calendar, &mut self.arrivals);
            if start >= 0 {
                self.settle(person, start);
            }
        }
        let tomorrow = self.calendar.begin_us(day + 1);
        self.agenda.push(Reverse((tomorrow, Due::Day(day + 1))));
    }

    fn settle(&mut self, person: Person, start_us: i64) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.people.push(None);
            self.people.len() - 1
        });
        self.people[place] = Some(person);
        self.agenda.push(Reverse((start_us, Due::Person(place))));
    }

    /// Lets the person in a place log in or take the next step of the visit.
    fn live(&mut self, place: usize, now_us: i64) {
        let Some(mut person) = self.people[place].take() else {
            return;
        };
        let mut teller = Teller {
            now_us,
            time: Timestamp::from_millis(self.settings.start_ms + now_us / 1_000),
            calendar: self.calendar,
            run: &self.settings.run,
            hard: self.hard.as_ref(),
            goods: &self.catalogue.goods,
            deeds: &mut self.deeds,
            transactions: &mut self.transactions,
            shard: self.number,
        };
        let mut visit = person.visit.take();
        let next = match &mut visit {
            None => {
                let (number, dice) = person.next_visit(self.settings.seed);
                let id = format!("session_{}_{}_{number}", self.settings.run, person.number);
                let begun = visit.insert(Box::new(Visit::new(id, dice)));
                Some(begun.begin(&mut person, &mut teller))
            }
            Some(visit) => visit.step(&mut person, &mut teller),
        };
        let next_us = match (next, visit) {
            (Some(pause_us), visit) => {
                person.visit = visit;
                Some(now_us + pause_us)
            }
            (None, ended) => ended
                .and_then(|mut visit| person.next_start(now_us, &self.calendar, &mut visit.dice)),
        };
        match next_us {
            Some(next_us) => {
                self.agenda.push(Reverse((next_us, Due::Person(place))));
                self.people[place] = Some(person);
            }
            None => self.free.push(place),
        }
    }
}

impl Iterator for Shard {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        loop {
            if let Some(deed) = self.deeds.pop_front() {
                return Some(deed);
            }
            let Reverse((now_us, due)) = self.agenda.pop()?;
            match due {
                Due::Day(day) => self.begin_day(day),
                Due::Person(place) => self.live(place, now_us),
            }
        }
    }
}
