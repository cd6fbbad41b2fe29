//! The world's clock: a queue of what happens next, and the short, uneven ways that events take to the topics.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::time::Timestamp;

use crate::broken::Breaker;
use crate::dice::Dice;
use crate::event::{Event, Topic};
use crate::fleet::Fleet;
use crate::population::Population;
use crate::shop::Shop;

#[cfg(test)]
mod tests;

/// No event is sent later than this after it happened, so none is more out of order than this.
pub const DELAY_MS_MAX: i64 = 1_500;

/// How a thousand events are shared out.
const PLAYER_SHARE: f64 = 0.88;
const PURCHASE_SHARE: f64 = 0.06;
const SERVER_SHARE: f64 = 0.06;
/// A player does something every four seconds on average.
const ACTION_EVERY_S: f64 = 4.0;
/// The slowest world: an event in about a quarter of an hour. Slower ones would only look broken.
const RATE_MIN: f64 = 0.001;
/// The fastest: beyond it the pause between two purchases is no longer a whole number of microseconds.
const RATE_MAX: f64 = 1_000_000.0;

/// What the world is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorldOptions {
    /// The same seed, start and rate give the very same bytes.
    pub seed: u64,
    /// When the world begins, in milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// Events per second of world time, all topics together; 0.001 to a million.
    pub rate: f64,
    /// How many of them are broken, 0 to 1. The world is the same otherwise.
    pub broken: f64,
}

impl WorldOptions {
    /// Starts the world so early that this many events have happened before `now_ms`: none lies in the future.
    #[must_use]
    pub fn ending_at(self, now_ms: i64, events: u64) -> Self {
        let duration_ms = (events as f64 / self.rate.clamp(RATE_MIN, RATE_MAX) * 1e3 * 1.1) as i64;
        Self {
            start_ms: now_ms - duration_ms - DELAY_MS_MAX,
            ..self
        }
    }
}

/// Who is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Player(usize),
    Shop,
    Server(usize),
}

/// An endless iterator of events in the order in which they are sent.
pub struct World {
    options: WorldOptions,
    dice: Dice,
    breaker: Breaker,
    population: Population,
    shop: Shop,
    fleet: Fleet,
    action_us: i64,
    trade_us: i64,
    /// Microseconds since the start, and a number that keeps equal times in order.
    turns: BinaryHeap<Reverse<(i64, u64, Turn)>>,
    /// Events on their way: sent at, number, place in `waiting`.
    on_their_way: BinaryHeap<Reverse<(i64, u64, usize)>>,
    waiting: Vec<Option<Event>>,
    free: Vec<usize>,
    counter: u64,
}

impl World {
    /// A world of its own.
    #[must_use]
    pub fn new(options: WorldOptions) -> Self {
        let rate = options.rate.clamp(RATE_MIN, RATE_MAX);
        let slots = ((rate * PLAYER_SHARE * ACTION_EVERY_S).round() as usize).max(1);
        let run = format!("{:x}", options.start_ms);
        let mut world = Self {
            options,
            dice: Dice::new(options.seed, 0),
            breaker: Breaker::new(options.seed, options.broken),
            population: Population::new(options.seed, &run, slots),
            shop: Shop::new(&run),
            fleet: Fleet::new(slots, rate * SERVER_SHARE),
            action_us: (slots as f64 / (rate * PLAYER_SHARE) * 1e6) as i64,
            trade_us: (1e6 / (rate * PURCHASE_SHARE)) as i64,
            turns: BinaryHeap::new(),
            on_their_way: BinaryHeap::new(),
            waiting: Vec::new(),
            free: Vec::new(),
            counter: 0,
        };
        world.spread_first_turns(slots);
        world
    }

    fn spread_first_turns(&mut self, slots: usize) {
        let players = (0..slots).map(Turn::Player);
        let servers = (0..self.fleet.count()).map(Turn::Server);
        for turn in players
            .chain([Turn::Shop])
            .chain(servers)
            .collect::<Vec<_>>()
        {
            let within = self.pause_us(turn).max(1);
            let at = self.dice.below(within.unsigned_abs()).cast_signed();
            self.schedule(at, turn);
        }
    }

    fn pause_us(&self, turn: Turn) -> i64 {
        match turn {
            Turn::Player(_) => self.action_us,
            Turn::Shop => self.trade_us,
            Turn::Server(_) => self.fleet.report_us(),
        }
    }

    fn schedule(&mut self, at_us: i64, turn: Turn) {
        self.counter += 1;
        self.turns.push(Reverse((at_us, self.counter, turn)));
    }

    /// Lets the next thing happen.
    fn step(&mut self) {
        let Some(Reverse((now_us, _, turn))) = self.turns.pop() else {
            return;
        };
        let event_ms = self.options.start_ms + now_us / 1_000;
        let time = Timestamp::from_millis(event_ms);
        let happened = match turn {
            Turn::Player(slot) => {
                let event =
                    self.population
                        .act(slot, now_us, time, &mut self.fleet, &mut self.dice);
                Some((Topic::PlayerEvents, event))
            }
            Turn::Shop => {
                let event = self
                    .shop
                    .trade(&mut self.population, now_us, time, &mut self.dice);
                event.map(|event| (Topic::PurchaseEvents, event))
            }
            Turn::Server(server) => Some((
                Topic::ServerMetrics,
                self.fleet.report(server, now_us, time, &mut self.dice),
            )),
        };
        let pause_us = self.pause_us(turn);
        let next_us = now_us + self.dice.pause(pause_us).max(1);
        self.schedule(next_us, turn);
        if let Some((topic, (key, value))) = happened {
            self.dispatch(topic, key, value, event_ms);
        }
    }

    /// Sends an event on its way, some of them broken.
    fn dispatch(&mut self, topic: Topic, key: String, value: Vec<u8>, event_ms: i64) {
        let emitted_ms = event_ms + self.dice.between(0, DELAY_MS_MAX);
        let (value, broken) = self.breaker.pass(topic, value, event_ms);
        let event = Event {
            topic,
            key,
            value,
            emitted_ms,
            event_ms,
            broken,
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.waiting.push(None);
            self.waiting.len() - 1
        });
        self.waiting[place] = Some(event);
        self.counter += 1;
        self.on_their_way
            .push(Reverse((emitted_ms, self.counter, place)));
    }

    /// True when nothing that has yet to happen can be sent before the first event on its way.
    fn first_is_settled(&self) -> bool {
        match (self.on_their_way.peek(), self.turns.peek()) {
            (Some(Reverse((emitted_ms, ..))), Some(Reverse((next_us, ..)))) => {
                self.options.start_ms + next_us / 1_000 > *emitted_ms
            }
            _ => false,
        }
    }
}

impl Iterator for World {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while !self.first_is_settled() {
            self.step();
        }
        let Reverse((_, _, place)) = self.on_their_way.pop()?;
        self.free.push(place);
        self.waiting[place].take()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("World")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
