//! The people of a world: the events of their lives, and who is online.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::time::Timestamp;

use super::options::{People, WorldOptions};
use crate::catalogue::Catalogue;
use crate::deed::{Deed, Mark};
use crate::dice::Dice;
use crate::event::Topic;
use crate::feed::{Feed, Source};
use crate::fleet::Fleet;
use crate::incidents::{Incident, Subject};
use crate::payload::encode;
use crate::people::{GameStatus, Hard, Settings, Shard};
use crate::population::level_id;
use crate::storefront::Storefront;

/// The time between two events with the number of people online in each game.
pub(super) const STATUS_US: i64 = 60_000_000;
/// About one in `ONLINE` of the people who arrive in 30 days is online at a time, after some weeks.
const ONLINE: u32 = 200;

/// The number of attempts from which on the level that is too hard must be found.
const ATTEMPTS_MIN: u64 = 300;

/// The lives of people, merged in the order of time.
pub(super) struct Lives {
    feed: Feed,
    /// The ids of the games, and the number of people online in each.
    online: Vec<(String, u64)>,
    /// The server of each player who is online.
    servers: BTreeMap<u64, usize>,
    /// The level that is too hard, if there is one.
    hard: Option<Hard>,
    attempts: Attempts,
}

/// The attempts on the level that is too hard.
#[derive(Default)]
struct Attempts {
    count: u64,
    first_us: i64,
    last_us: i64,
}

impl Attempts {
    fn add(&mut self, at_us: i64) {
        if self.count == 0 {
            self.first_us = at_us;
        }
        self.count += 1;
        self.last_us = at_us;
    }
}

impl Lives {
    pub(super) fn new(options: &WorldOptions, people: People, catalogue: &Arc<Catalogue>) -> Self {
        let settings = Settings {
            seed: options.seed,
            run: options.run(),
            start_ms: options.start_ms,
            players: people.players,
            hard_level: people.hard_level,
        };
        let shards = Shard::all(&settings, catalogue);
        let mut sources: Vec<Source> = shards.map(|shard| Box::new(shard) as Source).collect();
        sources.push(Box::new(Storefront::new(&settings, Arc::clone(catalogue))));
        let games = catalogue.games().map(|game| (game.id.clone(), 0));
        Self {
            feed: Feed::new(sources, people.tasks),
            online: games.collect(),
            servers: BTreeMap::new(),
            hard: people
                .hard_level
                .then(|| Hard::choose(options.seed, catalogue)),
            attempts: Attempts::default(),
        }
    }

    /// Returns the ground truth about the level that is too hard, once a person has tried it. It is complete after
    /// `ATTEMPTS_MIN` attempts.
    pub(super) fn stuck_level(&self, start_ms: i64) -> Option<Incident> {
        let hard = self.hard.as_ref().filter(|_| self.attempts.count > 0)?;
        let time = |us: i64| Timestamp::from_millis(start_ms + us / 1_000);
        Some(Incident {
            subject: Subject::StuckLevel {
                game_id: hard.game_id.clone(),
                map_id: hard.map_id.clone(),
                level_id: level_id(hard.level),
            },
            start: time(self.attempts.first_us),
            end: time(self.attempts.last_us),
            detectable: None,
            complete: self.attempts.count >= ATTEMPTS_MIN,
        })
    }

    /// Returns about how many of `people` are online at a time.
    pub(super) fn expected_online(people: People) -> usize {
        (people.players / ONLINE) as usize
    }

    /// Returns the time of the next deed.
    pub(super) fn next_us(&mut self) -> Option<i64> {
        self.feed.next_us()
    }

    /// Takes the next deed, and lets its player join or leave a server.
    pub(super) fn take(&mut self, fleet: &mut Fleet, dice: &mut Dice) -> Option<Deed> {
        let deed = self.feed.take()?;
        match deed.mark {
            Some(Mark::LogIn { player, game }) => {
                self.online[usize::from(game)].1 += 1;
                self.servers.insert(player, fleet.join(dice));
            }
            Some(Mark::LogOut { player, game }) => {
                self.online[usize::from(game)].1 -= 1;
                if let Some(server) = self.servers.remove(&player) {
                    fleet.leave(server);
                }
            }
            Some(Mark::HardLevel) => self.attempts.add(deed.at_us),
            None => {}
        }
        Some(deed)
    }

    /// Returns the key and value of an event for each game, with the number of people online.
    pub(super) fn status(&self, time: Timestamp) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.online.iter().map(move |(game_id, online)| {
            let status = GameStatus {
                event_type: "status",
                event_timestamp: time,
                game_id,
                player_count: *online,
            };
            (game_id.clone(), encode(&status))
        })
    }
}

/// The topics of worlds with people, beside those of all worlds.
pub(super) const TOPICS: [Topic; 3] = [Topic::GameEvents, Topic::GameStatus, Topic::StoreEvents];
