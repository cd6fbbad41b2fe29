//! Simulates the world. Players, the shop, servers and the planting of incidents take scheduled turns, and each
//! event gets a random delay before it is sent.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use model::time::Timestamp;

use crate::broken::Breaker;
use crate::catalogue::Catalogue;
use crate::dice::Dice;
use crate::event::{DELAY_MS_MAX, Event, Topic};
use crate::fleet::Fleet;
use crate::incidents::{Incident, Incidents};
use crate::population::Population;
use crate::shop::Shop;

use self::lives::Lives;
pub use self::options::{People, WorldOptions};
use self::options::{RATE_MAX, RATE_MIN};

mod lives;
mod options;
#[cfg(test)]
mod tests;

/// The shares of the three topics in all events.
const PLAYER_SHARE: f64 = 0.88;
const PURCHASE_SHARE: f64 = 0.06;
const SERVER_SHARE: f64 = 0.06;
/// The mean number of seconds between two actions of a player.
const ACTION_EVERY_S: f64 = 4.0;
/// What happens at a scheduled time: the player in a slot, the shop, a server or a person acts, the numbers of people
/// online are published, or an incident is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Player(usize),
    Shop,
    Server(usize),
    Person,
    Status,
    Incident,
}

/// The event that a turn produces, before it is delayed and perhaps broken.
struct TurnEvent {
    topic: Topic,
    key: String,
    value: Vec<u8>,
    incident: Option<u64>,
    is_sent: bool,
}

impl TurnEvent {
    fn good(topic: Topic, (key, value): (String, Vec<u8>)) -> Self {
        Self {
            topic,
            key,
            value,
            incident: None,
            is_sent: true,
        }
    }
}

/// An endless iterator over events, in the order in which they are sent.
pub struct World {
    options: WorldOptions,
    dice: Dice,
    breaker: Breaker,
    incidents: Option<Incidents>,
    population: Population,
    shop: Shop,
    fleet: Fleet,
    lives: Option<Lives>,
    action_us: i64,
    trade_us: i64,
    /// The upcoming turns: the time in microseconds since the start, and a number that orders turns at the
    /// same time.
    turns: BinaryHeap<Reverse<(i64, u64, Turn)>>,
    /// The delayed events: the time of sending, a number that orders events of the same time, and the index in
    /// `waiting`.
    on_their_way: BinaryHeap<Reverse<(i64, u64, usize)>>,
    waiting: Vec<Option<Event>>,
    free: Vec<usize>,
    counter: u64,
}

impl World {
    /// Creates a world of the built-in catalogue that begins at `options.start_ms`. No event has occurred yet.
    #[must_use]
    pub fn new(options: WorldOptions) -> Self {
        Self::of(options, Catalogue::built_in())
    }

    /// Creates a world of the games and goods of `catalogue`.
    #[must_use]
    pub fn of(options: WorldOptions, catalogue: Arc<Catalogue>) -> Self {
        Self::with(options, catalogue, None)
    }

    /// Creates a world of the games of `catalogue` in which `people` live.
    #[must_use]
    pub fn of_people(options: WorldOptions, catalogue: Arc<Catalogue>, people: People) -> Self {
        Self::with(options, catalogue, Some(people))
    }

    fn with(options: WorldOptions, catalogue: Arc<Catalogue>, people: Option<People>) -> Self {
        let has_rate = people.is_none() || options.rate > 0.0;
        let rate = options.rate.clamp(RATE_MIN, RATE_MAX);
        let slots = match has_rate {
            true => ((rate * PLAYER_SHARE * ACTION_EVERY_S).round() as usize).max(1),
            false => 0,
        };
        let run = options.run();
        let mut world = Self {
            options,
            dice: Dice::new(options.event_seed(), 0),
            breaker: Breaker::new(options.seed, options.broken),
            incidents: None,
            lives: people.map(|people| Lives::new(&options, people, &catalogue)),
            population: Population::new(options.seed, Arc::clone(&catalogue), &run, slots),
            shop: Shop::new(&run),
            fleet: match people {
                Some(people) => {
                    Fleet::of_players(catalogue, slots + Lives::expected_online(people))
                }
                None => Fleet::new(catalogue, slots, rate * SERVER_SHARE),
            },
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

    /// Returns the topics of a world with or without people.
    pub fn topics(has_people: bool) -> impl Iterator<Item = Topic> {
        let more = has_people.then_some(lives::TOPICS);
        Topic::TELEMETRY
            .into_iter()
            .chain(more.into_iter().flatten())
    }

    /// Returns the same world with `per_hour` planted incidents per hour, at most 3,600. The events of incidents are in
    /// addition to the world's rate, and are never broken.
    #[must_use]
    pub fn with_incidents(mut self, per_hour: f64) -> Self {
        self.incidents = Incidents::new(self.options.seed, &self.options.run(), per_hour);
        if let Some(first_us) = self.incidents.as_ref().map(Incidents::first_us) {
            self.schedule(first_us, Turn::Incident);
        }
        self
    }

    /// Returns the ground truth about the incidents that have ended since the previous call.
    pub fn ended_incidents(&mut self) -> Vec<Incident> {
        self.incidents
            .as_mut()
            .map(Incidents::ended)
            .unwrap_or_default()
    }

    /// Returns the ground truth so far about the incidents that have not ended, and about a level that is too hard.
    #[must_use]
    pub fn unfinished_incidents(&self) -> Vec<Incident> {
        let unfinished = self.incidents.iter().flat_map(Incidents::unfinished);
        let lives = self.lives.iter();
        let stuck_level = lives.flat_map(|lives| lives.stuck_level(self.options.start_ms));
        unfinished.chain(stuck_level).collect()
    }

    fn spread_first_turns(&mut self, slots: usize) {
        let players = (0..slots).map(Turn::Player);
        let shop = (slots > 0).then_some(Turn::Shop);
        let servers = (0..self.fleet.count()).map(Turn::Server);
        for turn in players.chain(shop).chain(servers).collect::<Vec<_>>() {
            let within = self.pause_us(turn).max(1);
            let at = self.dice.below(within.unsigned_abs()).cast_signed();
            self.schedule(at, turn);
        }
        if self.lives.is_some() {
            self.schedule(0, Turn::Status);
            self.schedule_person();
        }
    }

    fn schedule(&mut self, at_us: i64, turn: Turn) {
        self.counter += 1;
        self.turns.push(Reverse((at_us, self.counter, turn)));
    }

    /// Returns the mean time between two turns of this kind.
    fn pause_us(&self, turn: Turn) -> i64 {
        match turn {
            Turn::Player(_) => self.action_us,
            Turn::Shop => self.trade_us,
            Turn::Server(_) => self.fleet.report_us(),
            // Not used: `Incidents` and `Lives` return these times.
            Turn::Incident | Turn::Person | Turn::Status => 0,
        }
    }

    fn step(&mut self) {
        let Some(Reverse((now_us, _, turn))) = self.turns.pop() else {
            return;
        };
        match turn {
            Turn::Incident => return self.plant(now_us),
            Turn::Person => return self.live(),
            Turn::Status => return self.publish_status(now_us),
            Turn::Player(_) | Turn::Shop | Turn::Server(_) => {}
        }
        let event_ms = self.options.start_ms + now_us / 1_000;
        let event = self.take_turn(turn, now_us, Timestamp::from_millis(event_ms));
        let pause_us = self.pause_us(turn);
        let next_us = now_us + self.dice.pause(pause_us).max(1);
        self.schedule(next_us, turn);
        if let Some(event) = event {
            self.dispatch(event, event_ms);
        }
    }

    fn take_turn(&mut self, turn: Turn, now_us: i64, time: Timestamp) -> Option<TurnEvent> {
        let (fleet, dice) = (&mut self.fleet, &mut self.dice);
        match turn {
            Turn::Player(slot) => {
                let event = self.population.act(slot, now_us, time, fleet, dice);
                Some(TurnEvent::good(Topic::PlayerEvents, event))
            }
            Turn::Shop => {
                let event = self.shop.trade(&mut self.population, now_us, time, dice);
                event.map(|event| TurnEvent::good(Topic::PurchaseEvents, event))
            }
            Turn::Server(server) => {
                let report = fleet.report(server, now_us, time, dice);
                if let Some(((number, time), incidents)) =
                    report.evident.zip(self.incidents.as_mut())
                {
                    incidents.evident(number, time);
                }
                Some(TurnEvent {
                    topic: Topic::ServerMetrics,
                    key: report.key,
                    value: report.value,
                    incident: report.incident,
                    is_sent: report.is_sent,
                })
            }
            Turn::Person | Turn::Status | Turn::Incident => None,
        }
    }

    /// Sends the next event of the people.
    fn live(&mut self) {
        let Some(lives) = &mut self.lives else {
            return;
        };
        if let Some(deed) = lives.take(&mut self.fleet, &mut self.dice) {
            let event = TurnEvent::good(deed.topic, (deed.key, deed.value));
            self.dispatch(event, self.options.start_ms + deed.at_us / 1_000);
        }
        self.schedule_person();
    }

    fn schedule_person(&mut self) {
        if let Some(next_us) = self.lives.as_mut().and_then(Lives::next_us) {
            self.schedule(next_us, Turn::Person);
        }
    }

    fn publish_status(&mut self, now_us: i64) {
        let event_ms = self.options.start_ms + now_us / 1_000;
        let time = Timestamp::from_millis(event_ms);
        let lives = self.lives.iter();
        let events: Vec<_> = lives.flat_map(|lives| lives.status(time)).collect();
        for event in events {
            self.dispatch(TurnEvent::good(Topic::GameStatus, event), event_ms);
        }
        self.schedule(now_us + lives::STATUS_US, Turn::Status);
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

    /// Delays an event, and may break it. An event that is evidence for an incident is never broken. Such events, and
    /// those that a silent server does not send, draw the same random numbers as all others, so that incidents do not
    /// change the other events.
    fn dispatch(&mut self, event: TurnEvent, event_ms: i64) {
        let TurnEvent {
            topic,
            key,
            value,
            incident,
            is_sent,
        } = event;
        let emitted_ms = event_ms + self.dice.between(0, DELAY_MS_MAX);
        let whole = incident.map(|_| value.clone());
        let (value, broken) = self.breaker.pass(topic, value, event_ms);
        if is_sent {
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

    /// Whether the first delayed event is the next to be sent: no remaining turn can produce an earlier one.
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

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("World")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
