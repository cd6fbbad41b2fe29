//! The world's clock: a queue of what happens next, and the short, uneven ways that events take to the topics.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::time::Timestamp;

use crate::broken::Breaker;
use crate::dice::Dice;
use crate::event::{Event, Topic};
use crate::fleet::Fleet;
use crate::incidents::{Incident, Incidents};
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
    Incident,
}

/// What is sent when a turn is over.
struct Happened {
    topic: Topic,
    key: String,
    value: Vec<u8>,
    incident: Option<u64>,
    is_heard: bool,
}

/// An endless iterator of events in the order in which they are sent.
pub struct World {
    options: WorldOptions,
    dice: Dice,
    breaker: Breaker,
    incidents: Option<Incidents>,
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

/// What happens is another story at each start; who there is, is not.
fn course(options: &WorldOptions) -> u64 {
    options.seed ^ options.start_ms.cast_unsigned().rotate_left(20)
}

impl World {
    /// A world of its own.
    #[must_use]
    pub fn new(options: WorldOptions) -> Self {
        let rate = options.rate.clamp(RATE_MIN, RATE_MAX);
        let slots = ((rate * PLAYER_SHARE * ACTION_EVERY_S).round() as usize).max(1);
        let run = run(&options);
        let mut world = Self {
            options,
            dice: Dice::new(course(&options), 0),
            breaker: Breaker::new(options.seed, options.broken),
            incidents: None,
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

    /// The same world with so many incidents planted into it an hour, up to 3,600. Their events come on top of the rate;
    /// broken records are not among them.
    #[must_use]
    pub fn with_incidents(mut self, per_hour: f64) -> Self {
        self.incidents = Incidents::new(self.options.seed, &run(&self.options), per_hour);
        if let Some(first_us) = self.incidents.as_ref().map(Incidents::first_us) {
            self.schedule(first_us, Turn::Incident);
        }
        self
    }

    /// The truth about the incidents that have ended since the last call: all their events have been taken.
    pub fn ended_incidents(&mut self) -> Vec<Incident> {
        self.incidents
            .as_mut()
            .map(Incidents::ended)
            .unwrap_or_default()
    }

    /// What has been taken so far of the incidents that have not ended.
    #[must_use]
    pub fn unfinished_incidents(&self) -> Vec<Incident> {
        self.incidents
            .as_ref()
            .map(Incidents::unfinished)
            .unwrap_or_default()
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

    fn schedule(&mut self, at_us: i64, turn: Turn) {
        self.counter += 1;
        self.turns.push(Reverse((at_us, self.counter, turn)));
    }

    /// The time between two turns, on average.
    fn pause_us(&self, turn: Turn) -> i64 {
        match turn {
            Turn::Player(_) => self.action_us,
            Turn::Shop => self.trade_us,
            Turn::Server(_) => self.fleet.report_us(),
            Turn::Incident => 0, // has its own chance to draw them from
        }
    }

    /// Lets the next thing happen.
    fn step(&mut self) {
        let Some(Reverse((now_us, _, turn))) = self.turns.pop() else {
            return;
        };
        if turn == Turn::Incident {
            self.plant(now_us);
            return;
        }
        let event_ms = self.options.start_ms + now_us / 1_000;
        let happened = self.happen(turn, now_us, Timestamp::from_millis(event_ms));
        let pause_us = self.pause_us(turn);
        let next_us = now_us + self.dice.pause(pause_us).max(1);
        self.schedule(next_us, turn);
        if let Some(happened) = happened {
            self.dispatch(happened, event_ms);
        }
    }

    fn happen(&mut self, turn: Turn, now_us: i64, time: Timestamp) -> Option<Happened> {
        let (fleet, dice) = (&mut self.fleet, &mut self.dice);
        let sound = |topic, (key, value)| Happened {
            topic,
            key,
            value,
            incident: None,
            is_heard: true,
        };
        match turn {
            Turn::Player(slot) => {
                let event = self.population.act(slot, now_us, time, fleet, dice);
                Some(sound(Topic::PlayerEvents, event))
            }
            Turn::Shop => {
                let event = self.shop.trade(&mut self.population, now_us, time, dice);
                event.map(|event| sound(Topic::PurchaseEvents, event))
            }
            Turn::Server(server) => {
                let report = fleet.report(server, now_us, time, dice);
                Some(Happened {
                    topic: Topic::ServerMetrics,
                    key: report.key,
                    value: report.value,
                    incident: report.incident,
                    is_heard: report.is_heard,
                })
            }
            Turn::Incident => None,
        }
    }

    fn plant(&mut self, now_us: i64) {
        let Some(incidents) = &mut self.incidents else {
            return;
        };
        let start_ms = self.options.start_ms;
        let events = incidents.plant(now_us, start_ms, &self.population, &mut self.fleet);
        let next_us = now_us + incidents.pause_us();
        self.schedule(next_us, Turn::Incident);
        for event in events {
            self.send(event);
        }
    }

    /// Sends an event on its way, some of them broken. Chance is the same for what is not heard, and for evidence, which
    /// stays whole.
    fn dispatch(&mut self, happened: Happened, event_ms: i64) {
        let Happened {
            topic,
            key,
            value,
            incident,
            is_heard,
        } = happened;
        let emitted_ms = event_ms + self.dice.between(0, DELAY_MS_MAX);
        let whole = incident.map(|_| value.clone());
        let (value, broken) = self.breaker.pass(topic, value, event_ms);
        if is_heard {
            self.send(Event {
                topic,
                key,
                broken: broken.filter(|_| whole.is_none()),
                value: whole.unwrap_or(value),
                emitted_ms,
                event_ms,
                incident,
            });
        }
    }

    fn send(&mut self, event: Event) {
        let emitted_ms = event.emitted_ms;
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
        let event = self.waiting[place].take()?;
        if let Some(incidents) = &mut self.incidents {
            incidents.sent(&event);
        }
        Some(event)
    }
}

/// What ids have in them, so that no two runs of the world give two things one name.
fn run(options: &WorldOptions) -> String {
    format!("{:x}", options.start_ms)
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("World")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
