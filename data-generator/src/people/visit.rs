//! A visit: what a person does from login to logout, as a Markov chain over lobby, matchmaking, match and shop.

use super::payload::Details;
use super::person::Person;
use super::teller::Teller;
use crate::catalogue::Game;
use crate::deed::Mark;
use crate::dice::Dice;

/// The mean times between two steps in the lobby and in matchmaking, and the exact times in a match and in the shop.
const LOBBY_US: i64 = 20_000_000;
const MATCHMAKING_US: i64 = 12_000_000;
pub(super) const MATCH_US: i64 = 10_000_000;
const SHOP_US: i64 = 30_000_000;
/// The numbers of steps in a match: between two actions, in an attempt on a level, and between two heartbeats.
const ACTION_STEPS: u32 = 5;
const ATTEMPT_STEPS: u32 = 9;
const HEARTBEAT_STEPS: u32 = 18;
/// A person gives up a level after this many failed attempts, and goes back to the level before.
const GIVES_UP: u32 = 5;
/// The number of completed levels for each level of the player.
const COMPLETES_PER_LEVEL: u32 = 5;
/// The percentage of visits that end with a review.
const REVIEWS: u32 = 2;
/// The coins that a completed level brings, and those that a boost costs.
const REWARD: i64 = 25;
const BOOST: i64 = 60;

/// Where a person is during a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Lobby,
    Matchmaking,
    Match,
    Shop,
}

/// A visit that has begun and not ended.
pub(super) struct Visit {
    pub(super) session_id: String,
    pub(super) dice: Dice,
    place: Place,
    /// The steps in the match, and the points so far.
    steps: u32,
    score: i64,
    completes: u32,
    fails: u32,
}

impl Visit {
    pub(super) fn new(session_id: String, dice: Dice) -> Self {
        Self {
            session_id,
            dice,
            place: Place::Lobby,
            steps: 0,
            score: 0,
            completes: 0,
            fails: 0,
        }
    }

    /// Returns the name of the place if it is outside of matches, for the fields `level_id` and `map_id`. A person
    /// there is on no level, and cannot be stuck on one.
    pub(super) fn outside(&self) -> Option<&'static str> {
        match self.place {
            Place::Lobby | Place::Matchmaking => Some("lobby"),
            Place::Shop => Some("shop"),
            Place::Match => None,
        }
    }

    /// Tells of the login, and returns the time until the next step.
    pub(super) fn begin(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> i64 {
        teller.action(person, self, "login", Some(Mark::log_in(person)));
        teller.game(
            person,
            self,
            "login",
            Details {
                country: Some(teller.country(person)),
                app_version: Some(&teller.app_version(person)),
                variant: Some(if person.is_in_treatment {
                    "treatment"
                } else {
                    "control"
                }),
                ..Details::default()
            },
        );
        self.dice.pause(LOBBY_US)
    }

    /// Takes a step, and returns the time until the next; `None` if the person has gone offline.
    pub(super) fn step(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> Option<i64> {
        match self.place {
            Place::Lobby => self.leave_lobby(person, teller),
            Place::Matchmaking => Some(self.leave_matchmaking(person, teller)),
            Place::Match => Some(self.play(person, teller)),
            Place::Shop => Some(self.shop(person, teller)),
        }
    }

    fn leave_lobby(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> Option<i64> {
        let habits = person.persona.habits();
        let ways = [habits.to_match, habits.to_shop, habits.to_offline];
        match self.dice.weighted(&ways) {
            0 => {
                self.place = Place::Matchmaking;
                teller.did(person, self, "matchmaking");
                Some(self.dice.pause(MATCHMAKING_US))
            }
            1 => {
                self.place = Place::Shop;
                teller.did(person, self, "shop");
                Some(SHOP_US)
            }
            _ => {
                self.end(person, teller);
                None
            }
        }
    }

    fn leave_matchmaking(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> i64 {
        if !self.dice.percent(person.persona.habits().matched) {
            return self.go_to_lobby(person, teller);
        }
        self.place = Place::Match;
        (self.steps, self.score) = (0, 0);
        teller.game(person, self, "match_start", Details::default());
        self.start_level(person, teller);
        MATCH_US
    }

    fn go_to_lobby(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> i64 {
        self.place = Place::Lobby;
        teller.did(person, self, "lobby");
        self.dice.pause(LOBBY_US)
    }

    fn play(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> i64 {
        self.steps += 1;
        if self.steps.is_multiple_of(HEARTBEAT_STEPS) {
            self.heartbeat(person, teller);
        }
        if self.steps.is_multiple_of(ATTEMPT_STEPS) {
            self.end_level(person, teller);
            self.start_level(person, teller);
        }
        if self.dice.percent(person.persona.habits().ends_match) {
            let score = Some(self.score);
            teller.game(
                person,
                self,
                "match_end",
                Details {
                    score,
                    ..Details::default()
                },
            );
            return self.go_to_lobby(person, teller);
        }
        if self.steps.is_multiple_of(ACTION_STEPS) {
            let kind = ["move", "interaction"][self.dice.weighted(&[75, 25])];
            teller.did(person, self, kind);
        }
        MATCH_US
    }

    fn heartbeat(&mut self, person: &Person, teller: &mut Teller<'_>) {
        let fps = [60, 60, 30][person.platform.min(2)] - self.dice.between(0, 12);
        let latency_ms = teller.latency_ms(person) + self.dice.between(0, 40);
        let packet_loss = self.dice.below(20) as f64 / 1e3;
        let details = Details {
            fps: Some(fps),
            latency_ms: Some(latency_ms),
            packet_loss: Some(packet_loss),
            ..Details::default()
        };
        teller.game(person, self, "heartbeat", details);
    }

    fn start_level(&mut self, person: &Person, teller: &mut Teller<'_>) {
        let attempt = Some(person.progress.fails + 1);
        teller.level(person, self, "level_start", None, attempt);
    }

    /// Decides an attempt. It succeeds with the probability skill / (difficulty + skill).
    fn end_level(&mut self, person: &mut Person, teller: &mut Teller<'_>) {
        let difficulty = teller.difficulty(person);
        let skill = f64::from(person.skill);
        let attempt = person.progress.fails + 1;
        if self.dice.chance(skill / (difficulty + skill)) {
            teller.level(person, self, "level_complete", Some(true), Some(attempt));
            teller.did(person, self, "level_complete");
            self.completes += 1;
            self.score += self.dice.between(50, 150);
            let coins = REWARD + self.dice.between(0, 10);
            person.progress.coins += coins;
            teller.coins(person, self, "source", coins, None);
            person.progress.advance(&person.game);
            if person
                .progress
                .completes
                .is_multiple_of(COMPLETES_PER_LEVEL)
            {
                let level = 1 + person.progress.completes / COMPLETES_PER_LEVEL;
                let player_level = Some(level);
                teller.game(
                    person,
                    self,
                    "level_up",
                    Details {
                        player_level,
                        ..Details::default()
                    },
                );
            }
        } else {
            teller.level(person, self, "level_fail", Some(false), Some(attempt));
            self.fails += 1;
            person.progress.fail();
        }
    }

    fn shop(&mut self, person: &mut Person, teller: &mut Teller<'_>) -> i64 {
        let habits = person.persona.habits();
        if self.dice.percent(habits.buys) {
            teller.trade(person, &mut self.dice);
        }
        if person.progress.coins >= 4 * BOOST {
            person.progress.coins -= BOOST;
            teller.coins(person, self, "sink", BOOST, Some("boost_coins"));
        }
        if self.dice.percent(habits.leaves_shop) {
            return self.go_to_lobby(person, teller);
        }
        teller.did(person, self, "shop");
        SHOP_US
    }

    fn end(&mut self, person: &mut Person, teller: &mut Teller<'_>) {
        if self.dice.percent(REVIEWS) {
            let (won, lost) = (i64::from(self.completes), i64::from(self.fails));
            let mood = (won - lost) * 100 / (won + lost).max(1) + self.dice.between(-40, 40);
            let sentiment_score = Some(mood.clamp(-100, 100) as f64 / 100.0);
            teller.game(
                person,
                self,
                "review",
                Details {
                    sentiment_score,
                    ..Details::default()
                },
            );
        }
        teller.game(person, self, "logout", Details::default());
        teller.action(person, self, "logout", Some(Mark::log_out(person)));
    }
}

impl super::person::Progress {
    /// Goes on to the next level, after the last of a map to the next map.
    fn advance(&mut self, game: &Game) {
        self.completes += 1;
        self.fails = 0;
        if self.level < game.levels {
            self.level += 1;
        } else {
            self.level = 1;
            self.map = (self.map + 1) % game.maps.len();
        }
    }

    /// Counts a failed attempt. After too many, the person goes back to the level before.
    fn fail(&mut self) {
        self.fails += 1;
        if self.fails >= GIVES_UP {
            self.fails = 0;
            self.level = self.level.saturating_sub(1).max(1);
        }
    }
}
