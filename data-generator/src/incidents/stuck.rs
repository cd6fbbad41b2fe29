//! A player who gets as far as one level, and no further.

use model::event::DEFAULT_GAME_ID;
use model::time::Timestamp;

use super::Planned;
use super::truth::Subject;
use crate::catalog::{GAME_WEIGHTS, GAMES, LEVELS, MAPS, PLATFORM_WEIGHTS};
use crate::dice::Dice;
use crate::event::Topic;
use crate::population::{Step, level_id, map_id};

/// What is done on the level before, which is completed.
const ACTIONS_BEFORE: (i64, i64) = (3, 8);
/// How long the player tries: well over the two minutes that are worth an alert.
const STUCK_MS: (i64, i64) = (150_000, 210_000);
/// Between two actions: in the shortest time there are still well over thirty of them.
const PAUSE_MS: (i64, i64) = (2_000, 4_000);

/// What is written as it happens.
struct Diary<'a> {
    dice: &'a mut Dice,
    player_id: String,
    session_id: String,
    game: usize,
    platform: usize,
    level: u16,
    map: u16,
    now_ms: i64,
    story: Vec<Planned>,
}

/// A session from login to logout, most of it on one level and map.
pub(crate) fn story(
    player_id: String,
    session_id: String,
    now_ms: i64,
    dice: &mut Dice,
) -> (Subject, Vec<Planned>) {
    let mut diary = Diary {
        game: dice.weighted(&GAME_WEIGHTS),
        platform: dice.weighted(&PLATFORM_WEIGHTS),
        level: dice.between(2, i64::from(LEVELS) - 1) as u16,
        map: dice.between(1, i64::from(MAPS)) as u16,
        dice,
        player_id,
        session_id,
        now_ms,
        story: Vec::new(),
    };
    diary.get_there();
    let until_ms = diary.now_ms + diary.dice.between(STUCK_MS.0, STUCK_MS.1);
    while diary.now_ms < until_ms {
        let action = diary.dice.weighted(&[70, 26, 4]);
        diary.write(["move", "interaction", "chat"][action], true);
    }
    diary.write("logout", false);
    (diary.subject(), diary.story)
}

impl Diary<'_> {
    /// Logs in one level below, and completes that.
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
            game: self.game,
            platform: self.platform,
            session_id: &self.session_id,
            event_type,
            level: self.level,
            map: self.map,
            time: Timestamp::from_millis(self.now_ms),
        };
        self.story.push(Planned {
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
            game_id: GAMES[self.game].unwrap_or(DEFAULT_GAME_ID).to_owned(),
            player_id: self.player_id.clone(),
            session_id: self.session_id.clone(),
            level_id: level_id(self.level),
            map_id: map_id(self.map),
        }
    }
}
