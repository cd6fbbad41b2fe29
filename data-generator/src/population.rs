//! Players and their sessions: who is online, on which level and map, and what each does next.

use std::sync::Arc;

use model::time::Timestamp;

use crate::catalogue::{Catalogue, Game};
use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::payload::{Action, PlayerAction, User, encode};
use crate::wallet::Wallet;

/// The first number of the random streams for players' traits. Each player has its own stream, so that the traits do
/// not depend on anything that happens in the world.
const NATURES: u64 = 1 << 32;
/// The maximum number of players per [`PlayerSlot`]. At most one player per slot is online at a time. The others are
/// offline, and may log in again later in any slot.
const POPULATION_PER_SLOT: usize = 4;
/// The share of logins by new players, as long as the population may grow.
const NEWCOMERS: f64 = 0.4;
/// The ranges of session lengths in seconds, and their weights.
const SESSION_S: [(i64, i64); 3] = [(15, 60), (120, 480), (480, 1_800)];
const SESSION_WEIGHTS: [u32; 3] = [10, 60, 30];
/// A player completes a level after this time or this number of actions at the latest. Both are well below the limits
/// of `stuck-players`: two minutes and thirty events.
const LEVEL_US_MAX: i64 = 80_000_000;
const LEVEL_ACTIONS_MAX: u32 = 24;
/// The share of moves that lead to another map of the same level.
const MOVES_ON: f64 = 0.15;
/// The probability that an action completes the level.
const COMPLETES: f64 = 0.09;

/// A player, who may be online or offline.
pub(crate) struct Player {
    pub(crate) id: String,
    pub(crate) game: Arc<Game>,
    pub(crate) platform: usize,
    pub(crate) wallet: Wallet,
    /// Whether the player is in a session.
    pub(crate) is_online: bool,
    level: u16,
    /// The index of the map in the game's list.
    map: usize,
    /// The time at which the player entered the level, and the number of actions since then.
    level_since_us: i64,
    level_actions: u32,
}

/// Holds one player's session at a time. The number of slots is fixed, so the world's rate is constant.
#[derive(Default)]
struct PlayerSlot {
    session: Option<PlaySession>,
}

struct PlaySession {
    id: String,
    player: usize,
    server: usize,
    ends_us: i64,
}

pub(crate) struct Population {
    seed: u64,
    catalogue: Arc<Catalogue>,
    /// A part of each session's id that is different for each start of the world, so that two runs do not share
    /// session ids.
    run: String,
    players: Vec<Player>,
    away: Vec<usize>,
    slots: Vec<PlayerSlot>,
    sessions: u64,
}

impl Population {
    pub(crate) fn new(seed: u64, catalogue: Arc<Catalogue>, run: &str, slots: usize) -> Self {
        let slots = (0..slots).map(|_| PlayerSlot::default()).collect();
        Self {
            seed,
            catalogue,
            run: run.to_owned(),
            players: Vec::new(),
            away: Vec::new(),
            slots,
            sessions: 0,
        }
    }

    /// Returns the key and value of the next event in this slot. In an empty slot the event is a login.
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
            self.players[session.player].is_online = false;
            return self.action(&session, "logout", time);
        }
        let event_type = self.players[session.player].play(now_us, dice);
        let event = self.action(&session, event_type, time);
        self.players[session.player].go_on(event_type, now_us, dice);
        self.slots[slot].session = Some(session);
        event
    }

    /// Returns the player in a random slot; `None` if the slot is empty.
    pub(crate) fn anybody(&self, dice: &mut Dice) -> Option<usize> {
        let slot = self.slots.get(dice.index(self.slots.len()))?;
        slot.session.as_ref().map(|session| session.player)
    }

    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    pub(crate) fn known(&self, player: usize) -> &Player {
        &self.players[player]
    }

    pub(crate) fn player(&mut self, player: usize) -> &mut Player {
        &mut self.players[player]
    }

    fn log_in(&mut self, now_us: i64, fleet: &mut Fleet, dice: &mut Dice) -> PlaySession {
        self.sessions += 1;
        let (shortest, longest) = SESSION_S[dice.weighted(&SESSION_WEIGHTS)];
        let player = self.somebody_away(dice);
        self.players[player].is_online = true;
        self.players[player].arrive(now_us);
        PlaySession {
            id: format!("session_{}_{}", self.run, self.sessions),
            player,
            server: fleet.join(dice),
            ends_us: now_us + dice.between(shortest * 1_000_000, longest * 1_000_000),
        }
    }

    fn somebody_away(&mut self, dice: &mut Dice) -> usize {
        let room = self.players.len() < self.slots.len() * POPULATION_PER_SLOT;
        if self.away.is_empty() || (room && dice.chance(NEWCOMERS)) {
            self.players
                .push(Player::new(self.seed, self.players.len(), &self.catalogue));
            return self.players.len() - 1;
        }
        self.away.swap_remove(dice.index(self.away.len()))
    }

    fn action(
        &self,
        session: &PlaySession,
        event_type: &'static str,
        time: Timestamp,
    ) -> (String, Vec<u8>) {
        let player = &self.players[session.player];
        let step = Step {
            player_id: &player.id,
            game: &player.game,
            platform: &self.catalogue.goods.platforms[player.platform],
            session_id: &session.id,
            event_type,
            level_id: &level_id(player.level),
            map_id: &player.game.maps[player.map].id,
            time,
        };
        (player.id.clone(), step.encode())
    }
}

/// One action of a player.
pub(crate) struct Step<'a> {
    pub(crate) player_id: &'a str,
    pub(crate) game: &'a Game,
    pub(crate) platform: &'a str,
    pub(crate) session_id: &'a str,
    pub(crate) event_type: &'static str,
    pub(crate) level_id: &'a str,
    pub(crate) map_id: &'a str,
    pub(crate) time: Timestamp,
}

impl Step<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(&PlayerAction {
            event_name: "player_action",
            parameters: Action {
                game_id: self.game.event_id(),
                player_id: self.player_id,
                session_id: self.session_id,
                event_type: self.event_type,
                level_id: self.level_id,
                map_id: self.map_id,
            },
            event_timestamp: self.time,
            user_data: User {
                user_id: self.player_id,
                platform: self.platform,
            },
        })
    }
}

pub(crate) fn level_id(level: u16) -> String {
    format!("level_{level:02}")
}

impl Player {
    fn new(seed: u64, number: usize, catalogue: &Catalogue) -> Self {
        let mut nature = Dice::new(seed, NATURES + number as u64);
        let (game, goods) = (catalogue.choose(&mut nature), &catalogue.goods);
        let platform = goods.platforms.choose(&mut nature);
        let currency = goods.currencies.choose(&mut nature);
        let price_range = goods.price_ranges.choose(&mut nature);
        let (level, map) = (nature.between(1, 5) as u16, game.choose_map(&mut nature));
        Self {
            // The id contains the seed, so that worlds with different seeds do not share players in one
            // cluster.
            id: format!("player_{seed}_{}", number + 1),
            game,
            platform,
            wallet: Wallet::new(currency, price_range),
            is_online: false,
            level,
            map,
            level_since_us: 0,
            level_actions: 0,
        }
    }

    /// Restarts the time and the number of actions for a level that the player enters.
    fn arrive(&mut self, now_us: i64) {
        self.level_since_us = now_us;
        self.level_actions = 0;
    }

    fn play(&mut self, now_us: i64, dice: &mut Dice) -> &'static str {
        self.level_actions += 1;
        let long = now_us - self.level_since_us >= LEVEL_US_MAX;
        if long || self.level_actions >= LEVEL_ACTIONS_MAX || dice.chance(COMPLETES) {
            return "level_complete";
        }
        ["move", "interaction", "chat"][dice.weighted(&[74, 23, 3])]
    }

    /// Moves the player after an action: to the next level, to another map of the same level, or not at
    /// all.
    fn go_on(&mut self, event_type: &str, now_us: i64, dice: &mut Dice) {
        if event_type == "level_complete" {
            self.level = self.level % self.game.levels + 1;
            self.map = self.game.choose_map(dice);
            self.arrive(now_us);
        } else if event_type == "move" && dice.chance(MOVES_ON) {
            self.map = (self.map + 1) % self.game.maps.len();
        }
    }
}
