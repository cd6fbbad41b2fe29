//! Players and their sessions: who is there, where in the game, and what they do next.

use model::time::Timestamp;

use crate::catalog::{
    CURRENCY_WEIGHTS, GAME_WEIGHTS, GAMES, LEVELS, MAPS, PLATFORM_WEIGHTS, PLATFORMS,
};
use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::payload::{Action, PlayerAction, User, encode};
use crate::shop::Wallet;

/// Player n's nature comes from a stream of chance of its own, so that it is the same whenever the world is started.
const NATURES: u64 = 1 << 32;
/// So many times the players online exist in all; the others come back some day.
const POPULATION_PER_SLOT: usize = 4;
/// How many of those who log in have never been there, as long as there are any.
const NEWCOMERS: f64 = 0.4;
const WHALES: f64 = 0.02;
/// How long sessions last, in seconds, and how common each kind is.
const SESSION_S: [(i64, i64); 3] = [(15, 60), (120, 480), (480, 1_800)];
const SESSION_WEIGHTS: [u32; 3] = [10, 60, 30];
/// Who is stuck on a level, and how likely each action completes it.
const STUCK: f64 = 0.006;
const COMPLETES_STUCK: f64 = 0.004;
/// How many moves lead to another map of the level.
const MOVES_ON: f64 = 0.15;
const COMPLETES: f64 = 0.09;

/// A player, whether there or not.
pub(crate) struct Player {
    pub(crate) id: String,
    pub(crate) game: usize,
    pub(crate) platform: usize,
    pub(crate) wallet: Wallet,
    level: u16,
    map: u16,
    stuck: bool,
}

/// Room for one player at a time. The number of slots is fixed, and with it the rate of the world.
#[derive(Default)]
struct Slot {
    session: Option<Session>,
}

struct Session {
    id: String,
    player: usize,
    server: usize,
    ends_us: i64,
}

pub(crate) struct Population {
    seed: u64,
    /// Set before each session's number, so that no two runs of the world name two sessions alike.
    run: String,
    players: Vec<Player>,
    away: Vec<usize>,
    slots: Vec<Slot>,
    sessions: u64,
}

impl Population {
    pub(crate) fn new(seed: u64, run: &str, slots: usize) -> Self {
        let slots = (0..slots).map(|_| Slot::default()).collect();
        Self {
            seed,
            run: run.to_owned(),
            players: Vec::new(),
            away: Vec::new(),
            slots,
            sessions: 0,
        }
    }

    /// What the player in this slot does now: the key and the value. Somebody logs in if nobody is there.
    pub(crate) fn act(
        &mut self,
        slot: usize,
        now_us: i64,
        time: Timestamp,
        fleet: &mut Fleet,
        dice: &mut Dice,
    ) -> (String, Vec<u8>) {
        let Some(session) = self.slots[slot].session.take() else {
            let session = self.log_in(now_us, fleet, dice);
            let event = self.action(&session, "login", time);
            self.slots[slot].session = Some(session);
            return event;
        };
        if now_us >= session.ends_us {
            fleet.leave(session.server);
            self.away.push(session.player);
            return self.action(&session, "logout", time);
        }
        let event_type = self.players[session.player].play(dice);
        let event = self.action(&session, event_type, time);
        self.players[session.player].go_on(event_type, dice);
        self.slots[slot].session = Some(session);
        event
    }

    /// One of the players that are there; `None` if this slot of chance is empty.
    pub(crate) fn anybody(&self, dice: &mut Dice) -> Option<usize> {
        self.slots[dice.index(self.slots.len())]
            .session
            .as_ref()
            .map(|session| session.player)
    }

    pub(crate) fn player(&mut self, player: usize) -> &mut Player {
        &mut self.players[player]
    }

    fn log_in(&mut self, now_us: i64, fleet: &mut Fleet, dice: &mut Dice) -> Session {
        self.sessions += 1;
        let (shortest, longest) = SESSION_S[dice.weighted(&SESSION_WEIGHTS)];
        Session {
            id: format!("session_{}_{}", self.run, self.sessions),
            player: self.somebody_away(dice),
            server: fleet.join(dice),
            ends_us: now_us + dice.between(shortest * 1_000_000, longest * 1_000_000),
        }
    }

    fn somebody_away(&mut self, dice: &mut Dice) -> usize {
        let room = self.players.len() < self.slots.len() * POPULATION_PER_SLOT;
        if self.away.is_empty() || (room && dice.chance(NEWCOMERS)) {
            self.players
                .push(Player::new(self.seed, self.players.len()));
            return self.players.len() - 1;
        }
        self.away.swap_remove(dice.index(self.away.len()))
    }

    fn action(
        &self,
        session: &Session,
        event_type: &'static str,
        time: Timestamp,
    ) -> (String, Vec<u8>) {
        let player = &self.players[session.player];
        let action = PlayerAction {
            event_name: "player_action",
            parameters: Action {
                game_id: GAMES[player.game],
                player_id: &player.id,
                session_id: &session.id,
                event_type,
                level_id: &format!("level_{:02}", player.level),
                map_id: &format!("map_{:02}", player.map),
            },
            event_timestamp: time,
            user_data: User {
                user_id: &player.id,
                platform: PLATFORMS[player.platform],
            },
        };
        (player.id.clone(), encode(&action))
    }
}

impl Player {
    fn new(seed: u64, number: usize) -> Self {
        let mut nature = Dice::new(seed, NATURES + number as u64);
        Self {
            id: format!("player_{}", number + 1),
            game: nature.weighted(&GAME_WEIGHTS),
            platform: nature.weighted(&PLATFORM_WEIGHTS),
            wallet: Wallet::new(nature.weighted(&CURRENCY_WEIGHTS), nature.chance(WHALES)),
            level: nature.between(1, 5) as u16,
            map: nature.between(1, i64::from(MAPS)) as u16,
            stuck: false,
        }
    }

    fn play(&self, dice: &mut Dice) -> &'static str {
        if dice.chance(if self.stuck {
            COMPLETES_STUCK
        } else {
            COMPLETES
        }) {
            return "level_complete";
        }
        ["move", "interaction", "chat"][dice.weighted(&[74, 23, 3])]
    }

    /// Where the player is after an action: on the next level, on another map of this one, or still there.
    fn go_on(&mut self, event_type: &str, dice: &mut Dice) {
        if event_type == "level_complete" {
            self.level = self.level % LEVELS + 1;
            self.map = dice.between(1, i64::from(MAPS)) as u16;
            self.stuck = dice.chance(STUCK);
        } else if event_type == "move" && !self.stuck && dice.chance(MOVES_ON) {
            self.map = self.map % MAPS + 1;
        }
    }
}
