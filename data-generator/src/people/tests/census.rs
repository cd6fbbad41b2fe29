//! What the events say about each player.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Topic;
use crate::world::World;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// The time between two steps in a match.
const STEP_MS: i64 = super::super::visit::MATCH_US / 1_000;

/// The steps of a player, by what they lead to.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) to_match: u32,
    pub(super) to_shop: u32,
    pub(super) to_offline: u32,
    pub(super) matched: u32,
    pub(super) unmatched: u32,
    /// The steps in matches, and the number of matches that ended.
    pub(super) in_match: u32,
    pub(super) ended: u32,
    /// The steps in the shop, the number of visits to the shop that ended, and the purchases and refunds.
    pub(super) in_shop: u32,
    pub(super) left_shop: u32,
    pub(super) trades: u32,
}

/// What is known about a player.
#[derive(Default)]
pub(super) struct Life {
    pub(super) first_day: i64,
    /// The days with an event, as bits.
    pub(super) days: u64,
    pub(super) country: String,
    pub(super) variant: String,
    pub(super) steps: Steps,
    at: At,
    match_began_ms: i64,
}

/// The place of a player, as far as the last event tells.
#[derive(Default, Clone, Copy, PartialEq)]
enum At {
    #[default]
    Lobby,
    Matchmaking,
    Match,
    Shop,
}

pub(super) struct Census {
    pub(super) lives: BTreeMap<String, Life>,
    /// The hour in UTC and the country of each login.
    pub(super) logins: Vec<(u8, String)>,
    pub(super) versions: BTreeSet<String>,
    until_day: i64,
    start_ms: i64,
}

/// Returns the text of a field. Texts of generated events contain no escapes.
fn text<'a>(event: &'a str, field: &str) -> &'a str {
    let (_, rest) = event.split_once(field).expect("the field");
    let (text, _) = rest.split_once('"').expect("the end of the text");
    text
}

impl Census {
    /// Reads the events of a world until `until_ms`, in the order of their times.
    pub(super) fn of(world: World, until_ms: i64) -> Self {
        let start_ms = until_ms - super::DAYS * DAY_MS;
        let mut census = Self {
            lives: BTreeMap::new(),
            logins: Vec::new(),
            versions: BTreeSet::new(),
            until_day: super::DAYS,
            start_ms,
        };
        // Events are sent up to 1.5 s late, and a step takes longer than that; so the order of a player's events of
        // different steps is that of their times.
        for event in world.take_while(|event| event.event_ms < until_ms) {
            let value = str::from_utf8(&event.value).expect("UTF-8");
            census.read(event.topic, &event.key, value, event.event_ms);
        }
        census
    }

    fn read(&mut self, topic: Topic, player: &str, value: &str, time_ms: i64) {
        let day = (time_ms - self.start_ms) / DAY_MS;
        match topic {
            Topic::PlayerEvents => {
                let life = self.life(player, day);
                life.days |= 1 << day;
                life.act(text(value, r#""event_type":""#));
            }
            Topic::PurchaseEvents => self.life(player, day).steps.trades += 1,
            Topic::GameEvents => match text(value, r#""event_type":""#) {
                "login" => self.log_in(player, day, time_ms, value),
                "match_start" => self.life(player, day).enter_match(time_ms),
                "match_end" => self.life(player, day).leave_match(time_ms),
                _ => {}
            },
            Topic::ServerMetrics | Topic::GameStatus | Topic::StoreEvents => {}
        }
    }

    fn life(&mut self, player: &str, day: i64) -> &mut Life {
        if !self.lives.contains_key(player) {
            let life = Life {
                first_day: day,
                ..Life::default()
            };
            self.lives.insert(player.to_owned(), life);
        }
        self.lives.get_mut(player).expect("the player")
    }

    fn log_in(&mut self, player: &str, day: i64, time_ms: i64, event: &str) {
        let country = text(event, r#""country":""#).to_owned();
        let hour = (time_ms - self.start_ms).rem_euclid(DAY_MS) / HOUR_MS;
        self.logins.push((hour as u8, country.clone()));
        let version = text(event, r#""app_version":""#);
        self.versions.insert(version.to_owned());
        let life = self.life(player, day);
        life.country = country;
        life.variant = text(event, r#""variant":""#).to_owned();
    }

    /// Returns the number of players whose first event was on each day.
    pub(super) fn arrivals(&self) -> BTreeMap<i64, usize> {
        let mut arrivals = BTreeMap::new();
        for life in self.lives.values() {
            *arrivals.entry(life.first_day).or_default() += 1;
        }
        arrivals
    }

    /// Returns the share of players who were active this many days after their first day, and the number of players
    /// whose day is in the month.
    pub(super) fn retention(&self, age: i64) -> (f64, f64) {
        let cohorts = self
            .lives
            .values()
            .filter(|life| life.first_day + age < self.until_day);
        let (mut players, mut active) = (0.0, 0.0);
        for life in cohorts {
            players += 1.0;
            active += (life.days >> (life.first_day + age) & 1) as f64;
        }
        (active / players, players)
    }
}

impl Life {
    fn act(&mut self, event_type: &str) {
        match event_type {
            "login" => self.at = At::Lobby,
            "logout" => self.steps.to_offline += 1,
            "matchmaking" => {
                self.steps.to_match += 1;
                self.at = At::Matchmaking;
            }
            "shop" => {
                self.steps.in_shop += 1;
                self.steps.to_shop += u32::from(self.at != At::Shop);
                self.at = At::Shop;
            }
            "lobby" => {
                match self.at {
                    At::Matchmaking => self.steps.unmatched += 1,
                    At::Shop => self.steps.left_shop += 1,
                    At::Match | At::Lobby => {}
                }
                self.at = At::Lobby;
            }
            _ => {}
        }
    }

    fn enter_match(&mut self, time_ms: i64) {
        self.steps.matched += 1;
        self.match_began_ms = time_ms;
        self.at = At::Match;
    }

    fn leave_match(&mut self, time_ms: i64) {
        let steps = (time_ms - self.match_began_ms + STEP_MS / 2) / STEP_MS;
        self.steps.in_match += steps as u32;
        self.steps.ended += 1;
    }
}
