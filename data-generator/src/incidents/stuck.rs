//! A player who gets stuck on a level.

use std::sync::Arc;

use model::time::Timestamp;

use super::truth::Subject;
use super::{Plan, PlannedEvent};
use crate::catalogue::{Catalogue, Game};
use crate::dice::Dice;
use crate::event::Topic;
use crate::population::{Step, level_id};

/// The number of actions on the previous level, which the player completes.
const ACTIONS_BEFORE: (i64, i64) = (3, 8);
/// How long the player tries to complete the level. `stuck-players` reports a player after two minutes.
const STUCK_MS: (i64, i64) = (150_000, 210_000);
/// The range of pauses between two actions. Even in the shortest attempt, the player has more than the thirty events
/// that `stuck-players` requires.
const PAUSE_MS: (i64, i64) = (2_000, 4_000);
/// The time on the level, and the number of events there, at which `stuck-players` reports a player.
const EVIDENT_MS: i64 = 120_000;
const EVIDENT_EVENTS: usize = 30;

/// Builds the events of a stuck player's session.
struct StuckSession<'a> {
    dice: &'a mut Dice,
    player_id: String,
    session_id: String,
    game: Arc<Game>,
    platform: &'a str,
    level: u16,
    map: usize,
    now_ms: i64,
    plan: Plan,
}

/// Returns a session from login to logout, most of which is spent on one level and map.
pub(super) fn plan(
    player_id: String,
    session_id: String,
    now_ms: i64,
    catalogue: &Catalogue,
    dice: &mut Dice,
) -> (Subject, Plan) {
    let (game, platforms) = (catalogue.choose(dice), &catalogue.goods.platforms);
    let mut session = StuckSession {
        platform: &platforms[platforms.choose(dice)],
        level: dice.between(2, i64::from(game.levels) - 1) as u16,
        map: game.choose_map(dice),
        game,
        dice,
        player_id,
        session_id,
        now_ms,
        plan: Plan::default(),
    };
    session.get_there();
    let since_ms = session.now_ms;
    let until_ms = since_ms + session.dice.between(STUCK_MS.0, STUCK_MS.1);
    let mut events = 0;
    while session.now_ms < until_ms {
        let spent_ms = session.now_ms - since_ms;
        let action = session.dice.weighted(&[70, 26, 4]);
        session.write(["move", "interaction", "chat"][action], true);
        events += 1;
        if spent_ms >= EVIDENT_MS && events >= EVIDENT_EVENTS {
            session.plan.evident();
        }
    }
    session.write("logout", false);
    (session.subject(), session.plan)
}

impl StuckSession<'_> {
    /// Logs in on the level before the one on which the player gets stuck, and completes the level.
    fn get_there(&mut self) {
        self.write("login", false);
        for _ in 0..self.dice.between(ACTIONS_BEFORE.0, ACTIONS_BEFORE.1) {
            self.write("move", false);
        }
        self.write("level_complete", false);
        self.level += 1;
    }

    fn write(&mut self, event_type: &'static str, is_evidence: bool) {
        let step = Step {
            player_id: &self.player_id,
            game: &self.game,
            platform: self.platform,
            session_id: &self.session_id,
            event_type,
            level_id: &level_id(self.level),
            map_id: &self.game.maps[self.map].id,
            time: Timestamp::from_millis(self.now_ms),
        };
        self.plan.events.push(PlannedEvent {
            topic: Topic::PlayerEvents,
            key: self.player_id.clone(),
            value: step.encode(),
            event_ms: self.now_ms,
            is_evidence,
        });
        self.now_ms += self.dice.between(PAUSE_MS.0, PAUSE_MS.1);
    }

    fn subject(&self) -> Subject {
        Subject::StuckPlayer {
            game_id: self.game.id.clone(),
            player_id: self.player_id.clone(),
            session_id: self.session_id.clone(),
            level_id: level_id(self.level),
            map_id: self.game.maps[self.map].id.clone(),
        }
    }
}
