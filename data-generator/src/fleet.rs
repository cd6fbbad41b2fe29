//! Game servers: a load that follows the players on them, noise, and now and then a time of overload.

use model::time::Timestamp;

use crate::catalog::{REGIONS, SERVER_TYPES};
use crate::dice::Dice;
use crate::payload::{Reading, ServerMetric, Site, encode};

/// One server for so many players.
const PLAYERS_PER_SERVER: usize = 200;
const SERVERS_MIN: usize = 3;
const SERVERS_MAX: usize = 40;
/// A server is overloaded once in about eight minutes, for half a minute to one and a half.
const OVERLOAD_EVERY_US: f64 = 480e6;
const OVERLOAD_US: (i64, i64) = (30_000_000, 90_000_000);

pub(crate) struct Fleet {
    servers: Vec<Server>,
    /// The mean time between two reports of one server.
    report_us: i64,
    players_each: i64,
}

struct Server {
    id: String,
    site: usize,
    kind: usize,
    players: i64,
    overloaded_until_us: i64,
}

impl Fleet {
    /// Servers for this many players that send `rate` reports a second together.
    pub(crate) fn new(players: usize, rate: f64) -> Self {
        // At a low rate fewer servers, so that none is silent for more than about ten seconds.
        let reporting = ((rate * 10.0) as usize).max(1);
        let count = (players / PLAYERS_PER_SERVER)
            .clamp(SERVERS_MIN, SERVERS_MAX)
            .min(reporting);
        let servers = (0..count).map(Server::new).collect();
        let report_us = (count as f64 / rate * 1e6) as i64;
        Self {
            servers,
            report_us,
            players_each: (players / count).max(1) as i64,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.servers.len()
    }

    /// The time between two reports of a server, on average.
    pub(crate) fn report_us(&self) -> i64 {
        self.report_us
    }

    /// Puts a player on a server.
    pub(crate) fn join(&mut self, dice: &mut Dice) -> usize {
        let server = dice.index(self.servers.len());
        self.servers[server].players += 1;
        server
    }

    pub(crate) fn leave(&mut self, server: usize) {
        self.servers[server].players -= 1;
    }

    /// The key and the value of a server's report.
    pub(crate) fn report(
        &mut self,
        server: usize,
        now_us: i64,
        time: Timestamp,
        dice: &mut Dice,
    ) -> (String, Vec<u8>) {
        let starts = dice.chance(self.report_us as f64 / OVERLOAD_EVERY_US);
        let server = &mut self.servers[server];
        if starts && server.overloaded_until_us < now_us {
            server.overloaded_until_us = now_us + dice.between(OVERLOAD_US.0, OVERLOAD_US.1);
        }
        let overload = if now_us < server.overloaded_until_us {
            38
        } else {
            0
        };
        let crowd = server.players * 40 / self.players_each;
        let noise = 4 + 3 * server.kind as i64;
        let cpu_load = (12 + crowd + overload + dice.between(-noise, noise)).clamp(1, 100);
        let memory_usage = (30 + crowd * 3 / 4 + overload / 2 + dice.between(-2, 2)).clamp(1, 100);
        let queueing = (cpu_load - 70).max(0) * 9;
        let latency = (REGIONS[server.site].1 + queueing + dice.between(-6, 14)).max(1);
        let metric = ServerMetric {
            event_name: "server_metric",
            parameters: Reading {
                server_id: &server.id,
                cpu_load,
                memory_usage,
                latency,
            },
            event_timestamp: time,
            server_data: Site {
                region: REGIONS[server.site].0,
                server_type: SERVER_TYPES[server.kind],
            },
        };
        (server.id.clone(), encode(&metric))
    }
}

impl Server {
    fn new(number: usize) -> Self {
        Self {
            id: format!("server_{}", number + 1),
            site: number % REGIONS.len(),
            kind: usize::from(number % 3 == 2),
            players: 0,
            overloaded_until_us: i64::MIN,
        }
    }
}
