//! The people of a world: the events of their lives, and who is online.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::time::Timestamp;

use super::options::{People, WorldOptions};
use crate::catalogue::Catalogue;
use crate::deed::{Deed, Presence};
use crate::dice::Dice;
use crate::event::Topic;
use crate::feed::{Feed, Source};
use crate::fleet::Fleet;
use crate::payload::encode;
use crate::people::{GameStatus, Settings, Shard};
use crate::storefront::Storefront;

/// The time between two events with the number of people online in each game.
pub(super) const STATUS_US: i64 = 60_000_000;
/// About one in `ONLINE` of the people who arrive in 30 days is online at a time, after some weeks.
const ONLINE: u32 = 200;

/// The lives of people, merged in the order of time.
pub(super) struct Lives {
    feed: Feed,
    /// The ids of the games, and the number of people online in each.
    online: Vec<(String, u64)>,
    /// The server of each player who is online.
    servers: BTreeMap<u64, usize>,
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
        }
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
        match deed.presence {
            Some(Presence::LogIn { player, game }) => {
                self.online[usize::from(game)].1 += 1;
                self.servers.insert(player, fleet.join(dice));
            }
            Some(Presence::LogOut { player, game }) => {
                self.online[usize::from(game)].1 -= 1;
                if let Some(server) = self.servers.remove(&player) {
                    fleet.leave(server);
                }
            }
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
