//! Incidents that the derivations must find. They are planted in the world, and the ground truth about each
//! is recorded.
//!
//! Planting uses its own random stream. A planted fault changes or suppresses the reports of its server;
//! other incidents only add events. The rest of the world is the same with and without incidents.

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
use crate::catalogue::Catalogue;
use crate::dice::Dice;
use crate::event::DELAY_MS_MAX;
use crate::event::{Event, Topic};
use crate::fleet::Fleet;
use crate::population::Population;

const STREAM: u64 = 2;
/// The maximum rate, one incident per second: at a higher rate a small world would contain little else.
const PER_HOUR_MAX: f64 = 3_600.0;
const HOUR_US: f64 = 3.6e9;
/// The minimum rate, one incident in ten thousand hours, so that times in microseconds do not overflow.
const PER_HOUR_MIN: f64 = 0.000_1;
/// The number of random players that are tried when looking for an account that can be taken over, that is, used for
/// fraud.
const CANDIDATES: usize = 8;
/// The probability of taking over an existing account, for rules that detect the fraud on any account.
const TAKEN_OVER: f64 = 0.5;
/// The time after its last report at which `server-alerts` reports a silent server.
const SILENT_MS: i64 = 30_000;

/// All kinds of incidents, in the order of planting. The first three belong to three views of the dashboard, so that
/// each of them soon has data.
const TURNS: [IncidentKind; 12] = [
    IncidentKind::Fraud(FraudRule::Velocity),
    IncidentKind::Server(ServerCondition::Silent),
    IncidentKind::StuckPlayer,
    IncidentKind::Fraud(FraudRule::CardTesting),
    IncidentKind::Server(ServerCondition::Cpu),
    IncidentKind::Fraud(FraudRule::MultiPlatform),
    IncidentKind::Fraud(FraudRule::AmountSpike),
    IncidentKind::Server(ServerCondition::Latency),
    IncidentKind::Fraud(FraudRule::RefundAbuse),
    IncidentKind::Fraud(FraudRule::MultiCurrency),
    IncidentKind::Server(ServerCondition::Memory),
    IncidentKind::Fraud(FraudRule::TransactionConflict),
];

#[derive(Clone, Copy)]
enum IncidentKind {
    Fraud(FraudRule),
    StuckPlayer,
    Server(ServerCondition),
}

/// An event of an incident, before it is sent.
struct PlannedEvent {
    topic: Topic,
    key: String,
    value: Vec<u8>,
    event_ms: i64,
    /// Whether the event is evidence; otherwise it only leads up to the incident.
    is_evidence: bool,
}

/// The events of an incident, before they are sent, in the order of event time.
#[derive(Default)]
struct Plan {
    events: Vec<PlannedEvent>,
    /// The time of the event that completes the evidence.
    evident_ms: Option<i64>,
}

impl Plan {
    /// Notes that the events up to the last one that was added break the rule. Only the first call counts.
    fn evident(&mut self) {
        let last = self.events.last().map(|event| event.event_ms);
        self.evident_ms = self.evident_ms.or(last);
    }
}

/// Plants incidents and records the ground truth about them.
pub(crate) struct Incidents {
    dice: Dice,
    run: String,
    every_us: i64,
    planted: u64,
    turn: usize,
    /// The players whose accounts were taken over. Each is taken over at most once, because two incidents on one
    /// account could together break a third rule.
    victims: BTreeSet<usize>,
    ledger: Ledger,
}

impl Incidents {
    /// Creates the source of incidents; `None` if `per_hour` is not above 0.
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

    /// Returns the time of the first incident.
    pub(crate) fn first_us(&self) -> i64 {
        self.every_us / 2
    }

    /// Returns the time until the next incident.
    pub(crate) fn pause_us(&mut self) -> i64 {
        self.dice.pause(self.every_us).max(1)
    }

    /// Plants the next incident, and returns its events, which are added to those of the world.
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
            IncidentKind::Fraud(rule) => self.plant_fraud(rule, now_ms, population),
            IncidentKind::StuckPlayer => self.plant_stuck_player(now_ms, population.catalogue()),
            IncidentKind::Server(condition) => {
                self.plant_fault(condition, now_us, start_ms, fleet);
                Vec::new()
            }
        }
    }

    pub(crate) fn sent(&mut self, event: &Event) {
        self.ledger.sent(event);
    }

    /// Records the time at which the reports of a failing server are enough evidence.
    pub(crate) fn evident(&mut self, number: u64, time: Timestamp) {
        self.ledger.evident(number, time);
    }

    /// Returns the incidents that have ended since the last call.
    pub(crate) fn ended(&mut self) -> Vec<Incident> {
        self.ledger.ended()
    }

    /// Returns the ground truth so far about the incidents that have not ended.
    pub(crate) fn unfinished(&self) -> Vec<Incident> {
        self.ledger.unfinished()
    }

    fn plant_fraud(&mut self, rule: FraudRule, now_ms: i64, population: &Population) -> Vec<Event> {
        let account = self.account(rule, population);
        let prefix = format!("trans_{}_i{}", self.run, self.planted + 1);
        let subject = account.subject(rule);
        let goods = &population.catalogue().goods;
        let plan = fraud::plan(rule, account, prefix, now_ms, goods, &mut self.dice);
        self.open(subject, plan)
    }

    /// Returns the account for a fraud that breaks `rule`: that of a player of the world, or a new one.
    fn account(&mut self, rule: FraudRule, population: &Population) -> Account {
        let victim = (fraud::may_be_taken_over(rule) && self.dice.chance(TAKEN_OVER))
            .then(|| self.victim(population))
            .flatten();
        match victim {
            Some(player) => {
                self.victims.insert(player);
                Account::of(population.known(player))
            }
            None => Account::new(self.new_player_id(), population.catalogue(), &mut self.dice),
        }
    }

    fn victim(&mut self, population: &Population) -> Option<usize> {
        (0..CANDIDATES)
            .filter_map(|_| population.anybody(&mut self.dice))
            .find(|player| !self.victims.contains(player))
    }

    /// Returns the id of a player outside the population.
    fn new_player_id(&self) -> String {
        format!("player_{}_{}", self.run, self.planted + 1)
    }

    fn plant_stuck_player(&mut self, now_ms: i64, catalogue: &Catalogue) -> Vec<Event> {
        let session_id = format!("session_{}_i{}", self.run, self.planted + 1);
        let (subject, plan) = stuck::plan(
            self.new_player_id(),
            session_id,
            now_ms,
            catalogue,
            &mut self.dice,
        );
        self.open(subject, plan)
    }

    fn plant_fault(
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
        match condition {
            ServerCondition::Silent => {
                let (since, ending) = (ms(planted.last_us), Ending::AfterEvents(1));
                let detectable = Some(since.plus_ms(SILENT_MS));
                self.ledger
                    .open(number, subject, ending, Some(since), detectable);
            }
            ServerCondition::Cpu | ServerCondition::Memory | ServerCondition::Latency => {
                let last_sent = ms(planted.until_us).plus_ms(DELAY_MS_MAX);
                self.ledger
                    .open(number, subject, Ending::After(last_sent), None, None);
            }
        }
    }

    /// Opens an incident in the ledger, and returns its events, ready to be sent.
    fn open(&mut self, subject: Subject, plan: Plan) -> Vec<Event> {
        self.planted += 1;
        let evidence = plan.events.iter().filter(|event| event.is_evidence).count();
        let ending = Ending::AfterEvents(evidence);
        let detectable = plan.evident_ms.map(Timestamp::from_millis);
        self.ledger
            .open(self.planted, subject, ending, None, detectable);
        let number = self.planted;
        let on_its_way = |planned: PlannedEvent| Event {
            topic: planned.topic,
            key: planned.key,
            value: planned.value,
            emitted_ms: planned.event_ms + self.dice.between(0, DELAY_MS_MAX),
            event_ms: planned.event_ms,
            broken: None,
            incident: planned.is_evidence.then_some(number),
        };
        plan.events.into_iter().map(on_its_way).collect()
    }
}
