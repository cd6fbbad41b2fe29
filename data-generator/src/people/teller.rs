//! Writes down what people do, as events.

use std::collections::VecDeque;

use model::time::Timestamp;

use super::Hard;
use super::payload::{Details, GameEvent};
use super::person::Person;
use super::visit::Visit;
use crate::calendar::{COUNTRIES, Calendar};
use crate::catalogue::Goods;
use crate::deed::{Deed, Mark};
use crate::dice::Dice;
use crate::event::Topic;
use crate::payload::encode;
use crate::population::{Step, level_id};
use crate::shop::ShopTransaction;

/// The probability that a person who may return a purchase does so instead of buying.
const REFUNDS: f64 = 0.05;
/// The number of days between two versions of the games, and the number of days within which people update.
const DAYS_PER_VERSION: i64 = 14;
const UPDATES_WITHIN: i64 = 5;

/// Collects the events of one step of one person.
pub(super) struct Teller<'a> {
    pub(super) now_us: i64,
    pub(super) time: Timestamp,
    pub(super) calendar: Calendar,
    pub(super) run: &'a str,
    pub(super) hard: Option<&'a Hard>,
    pub(super) goods: &'a Goods,
    pub(super) deeds: &'a mut VecDeque<Deed>,
    /// The transactions of this shard, and the number of the shard, which make the ids of transactions.
    pub(super) transactions: &'a mut u64,
    pub(super) shard: u64,
}

impl Teller<'_> {
    pub(super) fn country(&self, person: &Person) -> &'static str {
        COUNTRIES[person.country].code
    }

    /// Returns the version that the person has installed. People update some days after a version appears.
    pub(super) fn app_version(&self, person: &Person) -> String {
        let lag = (person.number % UPDATES_WITHIN as u64).cast_signed();
        let day = self.calendar.day_of(self.now_us);
        format!("1.{}.0", (day - lag).max(0) / DAYS_PER_VERSION)
    }

    pub(super) fn latency_ms(&self, person: &Person) -> i64 {
        self.goods.regions[person.region].latency_ms
    }

    /// Returns the difficulty of the level on which the person is.
    pub(super) fn difficulty(&self, person: &Person) -> f64 {
        let progress = &person.progress;
        let difficulty = person.game.difficulty(progress.map, progress.level);
        let hard = self.hard.filter(|hard| hard.is_here(person));
        difficulty * hard.map_or(1.0, |hard| hard.factor)
    }

    /// Adds an event to `player-events` that is not a login or logout.
    pub(super) fn did(&mut self, person: &Person, visit: &Visit, event_type: &'static str) {
        self.action(person, visit, event_type, None);
    }

    /// Adds an event to `player-events`.
    pub(super) fn action(
        &mut self,
        person: &Person,
        visit: &Visit,
        event_type: &'static str,
        mark: Option<Mark>,
    ) {
        let level = level_id(person.progress.level);
        let (level_id, map_id) = match visit.outside() {
            Some(place) => (place, place),
            None => (&*level, &*person.game.maps[person.progress.map].id),
        };
        let step = Step {
            player_id: &person.id,
            game: &person.game,
            platform: &self.goods.platforms[person.platform],
            session_id: &visit.session_id,
            event_type,
            level_id,
            map_id,
            time: self.time,
        };
        self.push(Topic::PlayerEvents, person, step.encode(), mark);
    }

    /// Adds an event to `game-events`.
    pub(super) fn game(
        &mut self,
        person: &Person,
        visit: &Visit,
        event_type: &'static str,
        details: Details<'_>,
    ) {
        self.push_game(person, visit, event_type, details, None);
    }

    fn push_game(
        &mut self,
        person: &Person,
        visit: &Visit,
        event_type: &'static str,
        details: Details<'_>,
        mark: Option<Mark>,
    ) {
        let event = GameEvent {
            event_type,
            event_timestamp: self.time,
            game_id: &person.game.id,
            player_id: &person.id,
            session_id: &visit.session_id,
            platform: &self.goods.platforms[person.platform],
            region: &self.goods.regions[person.region].name,
            details,
        };
        self.push(Topic::GameEvents, person, encode(&event), mark);
    }

    /// Adds an event about an attempt on the person's level.
    pub(super) fn level(
        &mut self,
        person: &Person,
        visit: &Visit,
        event_type: &'static str,
        success: Option<bool>,
        attempt: Option<u32>,
    ) {
        let details = Details {
            map_id: Some(&person.game.maps[person.progress.map].id),
            level_id: Some(&level_id(person.progress.level)),
            success,
            attempt,
            ..Details::default()
        };
        let is_hard = success.is_some() && self.hard.is_some_and(|hard| hard.is_here(person));
        let mark = is_hard.then_some(Mark::HardLevel);
        self.push_game(person, visit, event_type, details, mark);
    }

    /// Adds an event about coins that the person gets or spends.
    pub(super) fn coins(
        &mut self,
        person: &Person,
        visit: &Visit,
        flow: &'static str,
        amount: i64,
        item_id: Option<&'static str>,
    ) {
        let details = Details {
            currency: Some("coins"),
            flow: Some(flow),
            amount: Some(amount),
            item_id,
            ..Details::default()
        };
        self.game(person, visit, "resource_change", details);
    }

    /// Buys an item for money, or returns one. Does nothing if the person has just bought so much that a further
    /// purchase would look like fraud.
    pub(super) fn trade(&mut self, person: &mut Person, dice: &mut Dice) {
        let (now_us, wallet) = (self.now_us, &mut person.wallet);
        if !wallet.may_go_on(now_us) {
            return;
        }
        wallet.visit(now_us);
        let (transaction_type, item) = if wallet.may_return(now_us) && dice.chance(REFUNDS) {
            ("refund", wallet.give_back(now_us, dice))
        } else {
            (
                "purchase",
                wallet.buy(&self.goods.price_ranges[wallet.price_range], now_us, dice),
            )
        };
        *self.transactions += 1;
        let (item, currency) = (&self.goods.items[item], person.wallet.currency);
        let minor = item.prices[currency];
        let transaction = ShopTransaction {
            goods: self.goods,
            user_id: &person.id,
            game: &person.game,
            platform: person.platform,
            currency,
            item,
            minor,
            transaction_type,
            id: &format!("trans_{}_p{}_{}", self.run, self.shard, self.transactions),
            time: self.time,
        };
        self.push(Topic::PurchaseEvents, person, transaction.encode(), None);
    }

    fn push(&mut self, topic: Topic, person: &Person, value: Vec<u8>, mark: Option<Mark>) {
        self.deeds.push_back(Deed {
            at_us: self.now_us,
            topic,
            key: person.id.clone(),
            value,
            mark,
        });
    }
}
