//! Incidents: what the derivations are there to find, planted into the world and written down.
//!
//! They have a stream of chance of their own and come on top of the world: whoever is not concerned does the very same
//! with and without them.

mod fraud;
mod ledger;
mod stuck;
mod truth;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use model::derived::{FraudRule, ServerCondition};
use model::time::Timestamp;

use self::fraud::Account;
use self::ledger::{Ending, Ledger};
pub use self::truth::{Incident, Subject};
use crate::dice::Dice;
use crate::event::{Event, Topic};
use crate::fleet::Fleet;
use crate::population::Population;
use crate::world::DELAY_MS_MAX;

const STREAM: u64 = 2;
/// One a second; beyond it a small world would be nothing but incidents.
const PER_HOUR_MAX: f64 = 3_600.0;
const HOUR_US: f64 = 3.6e9;
/// The slowest: one in ten thousand hours, so that times stay far from their limits.
const PER_HOUR_MIN: f64 = 0.000_1;
/// How many players chance looks at to find one whose account can be taken over.
const CANDIDATES: usize = 8;
/// How often it is an account that exists, where that may be.
const TAKEN_OVER: f64 = 0.5;

/// All kinds, in the order in which they come: what takes longest to be seen comes early, and each view has something
/// to show soon.
const TURNS: [Kind; 12] = [
    Kind::Fraud(FraudRule::Velocity),
    Kind::Server(ServerCondition::Silent),
    Kind::StuckPlayer,
    Kind::Fraud(FraudRule::CardTesting),
    Kind::Server(ServerCondition::Cpu),
    Kind::Fraud(FraudRule::MultiPlatform),
    Kind::Fraud(FraudRule::AmountSpike),
    Kind::Server(ServerCondition::Latency),
    Kind::Fraud(FraudRule::RefundAbuse),
    Kind::Fraud(FraudRule::MultiCurrency),
    Kind::Server(ServerCondition::Memory),
    Kind::Fraud(FraudRule::TransactionConflict),
];

#[derive(Clone, Copy)]
enum Kind {
    Fraud(FraudRule),
    StuckPlayer,
    Server(ServerCondition),
}

/// An event of a planted story.
struct Planned {
    topic: Topic,
    key: String,
    value: Vec<u8>,
    event_ms: i64,
    /// Whether it belongs to what has to be found, or leads up to it.
    is_evidence: bool,
}

/// Plants incidents and remembers them.
pub(crate) struct Incidents {
    dice: Dice,
    run: String,
    every_us: i64,
    planted: u64,
    turn: usize,
    /// Whose account was taken over already: one incident each, lest two make a third.
    victims: BTreeSet<usize>,
    ledger: Ledger,
}

impl Incidents {
    /// None, for a rate of 0.
    pub(crate) fn new(seed: u64, run: &str, per_hour: f64) -> Option<Self> {
        let every_us = (HOUR_US / per_hour.clamp(PER_HOUR_MIN, PER_HOUR_MAX)) as i64;
        (per_hour > 0.0).then(|| Self {
            dice: Dice::new(seed, STREAM),
            run: run.to_owned(),
            every_us,
            planted: 0,
            turn: 0,
            victims: BTreeSet::new(),
            ledger: Ledger::default(),
        })
    }

    /// When the first one comes.
    pub(crate) fn first_us(&self) -> i64 {
        self.every_us / 2
    }

    /// The time until the next one.
    pub(crate) fn pause_us(&mut self) -> i64 {
        self.dice.pause(self.every_us).max(1)
    }

    /// Plants the next incident: the events that come on top of the world's.
    pub(crate) fn plant(
        &mut self,
        now_us: i64,
        start_ms: i64,
        population: &Population,
        fleet: &mut Fleet,
    ) -> Vec<Event> {
        let kind = TURNS[self.turn % TURNS.len()];
        self.turn += 1;
        let now_ms = start_ms + now_us / 1_000;
        match kind {
            Kind::Fraud(rule) => self.plant_fraud(rule, now_ms, population),
            Kind::StuckPlayer => self.plant_stuck_player(now_ms),
            Kind::Server(condition) => {
                self.plant_trouble(condition, now_us, start_ms, fleet);
                Vec::new()
            }
        }
    }

    /// Notes what is sent.
    pub(crate) fn sent(&mut self, event: &Event) {
        self.ledger.sent(event);
    }

    /// The incidents that are over since the last call.
    pub(crate) fn ended(&mut self) -> Vec<Incident> {
        self.ledger.ended()
    }

    /// What has been sent of those that are not.
    pub(crate) fn unfinished(&self) -> Vec<Incident> {
        self.ledger.unfinished()
    }

    fn plant_fraud(&mut self, rule: FraudRule, now_ms: i64, population: &Population) -> Vec<Event> {
        let account = self.account(rule, population);
        let prefix = format!("trans_{}_i{}", self.run, self.planted + 1);
        let subject = account.subject(rule);
        let story = fraud::story(rule, account, prefix, now_ms, &mut self.dice);
        self.open(subject, story)
    }

    /// Somebody's account, or one that was made for the purpose.
    fn account(&mut self, rule: FraudRule, population: &Population) -> Account {
        let victim = (fraud::may_be_taken_over(rule) && self.dice.chance(TAKEN_OVER))
            .then(|| self.victim(rule, population))
            .flatten();
        match victim {
            Some(player) => {
                self.victims.insert(player);
                Account::of(population.known(player))
            }
            None => Account::new(self.nobody(), &mut self.dice),
        }
    }

    fn victim(&mut self, rule: FraudRule, population: &Population) -> Option<usize> {
        (0..CANDIDATES)
            .filter_map(|_| population.anybody(&mut self.dice))
            .find(|player| {
                !self.victims.contains(player) && fraud::suits(rule, population.known(*player))
            })
    }

    /// The id of a player that the world does not have.
    fn nobody(&self) -> String {
        format!("player_{}_{}", self.run, self.planted + 1)
    }

    fn plant_stuck_player(&mut self, now_ms: i64) -> Vec<Event> {
        let session_id = format!("session_{}_i{}", self.run, self.planted + 1);
        let (subject, story) = stuck::story(self.nobody(), session_id, now_ms, &mut self.dice);
        self.open(subject, story)
    }

    fn plant_trouble(
        &mut self,
        condition: ServerCondition,
        now_us: i64,
        start_ms: i64,
        fleet: &mut Fleet,
    ) {
        let number = self.planted + 1;
        let Some(planted) = fleet.plant(condition, number, now_us, &mut self.dice) else {
            return;
        };
        self.planted = number;
        let subject = Subject::Server {
            rule: condition,
            server_id: planted.server_id,
        };
        let ms = |us: i64| Timestamp::from_millis(start_ms + us / 1_000);
        let (ending, since) = match condition {
            ServerCondition::Silent => (Ending::AfterEvents(1), Some(ms(planted.last_us))),
            _ => {
                let last_sent = ms(planted.until_us).plus_ms(DELAY_MS_MAX);
                (Ending::After(last_sent), None)
            }
        };
        self.ledger.open(number, subject, ending, since);
    }

    /// Writes an incident down and sends its events on their way.
    fn open(&mut self, subject: Subject, story: Vec<Planned>) -> Vec<Event> {
        self.planted += 1;
        let evidence = story.iter().filter(|event| event.is_evidence).count();
        let ending = Ending::AfterEvents(evidence);
        self.ledger.open(self.planted, subject, ending, None);
        let number = self.planted;
        let on_its_way = |planned: Planned| Event {
            topic: planned.topic,
            key: planned.key,
            value: planned.value,
            emitted_ms: planned.event_ms + self.dice.between(0, DELAY_MS_MAX),
            event_ms: planned.event_ms,
            broken: None,
            incident: planned.is_evidence.then_some(number),
        };
        story.into_iter().map(on_its_way).collect()
    }
}
