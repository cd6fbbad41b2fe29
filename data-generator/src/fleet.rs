//! Game servers: a load that follows the players on them, noise, now and then a single bad reading, and trouble where
//! it is planted.

use model::derived::ServerCondition;
use model::time::Timestamp;

use crate::catalog::{REGIONS, SERVER_TYPES};
use crate::dice::Dice;
use crate::payload::{Reading, ServerMetric, Site, encode};

/// One server for so many players.
const PLAYERS_PER_SERVER: usize = 200;
const SERVERS_MIN: usize = 3;
const SERVERS_MAX: usize = 40;
/// About every eight minutes a server reports a load far above the usual, once: a hiccup, and no reason for an alert.
const HICCUP_EVERY_US: f64 = 480e6;
/// Two in a row would not be single.
const HICCUPS_APART_US: i64 = 60_000_000;
const HICCUP: i64 = 38;
/// Players beyond this number, 40 being the mean, are sent elsewhere, so that a full server is still a healthy one.
const CROWD_MAX: i64 = 48;
/// How long a server is left alone after trouble: alerts have closed by then.
const REPRIEVE_US: i64 = 90_000_000;
/// Planted trouble lasts so long, and for so many reports where those are rare: many windows of ten seconds.
const TROUBLE_US: (i64, i64) = (60_000_000, 90_000_000);
const TROUBLE_REPORTS: i64 = 8;
/// A silence is well over the thirty seconds that are worth an alert.
const SILENCE_US: (i64, i64) = (45_000_000, 75_000_000);

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
    last_us: Option<i64>,
    last_hiccup_us: i64,
    trouble: Option<Trouble>,
    free_at_us: i64,
}

/// What is planted on a server.
#[derive(Clone, Copy)]
struct Trouble {
    condition: ServerCondition,
    until_us: i64,
    incident: u64,
}

/// Where trouble was planted.
pub(crate) struct Planted {
    pub(crate) server_id: String,
    /// When the server reported last.
    pub(crate) last_us: i64,
    pub(crate) until_us: i64,
}

/// What a server sends.
pub(crate) struct Report {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    /// The incident that it is evidence of.
    pub(crate) incident: Option<u64>,
    /// False while the server is cut off.
    pub(crate) is_heard: bool,
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

    /// Plants trouble on a server that has none; `None` if chance finds none.
    pub(crate) fn plant(
        &mut self,
        condition: ServerCondition,
        incident: u64,
        now_us: i64,
        dice: &mut Dice,
    ) -> Option<Planted> {
        let tries = self.servers.len() * 2;
        let found = (0..tries)
            .map(|_| dice.index(self.servers.len()))
            .find(|server| self.servers[*server].is_free(now_us))?;
        let until_us = now_us
            + match condition {
                ServerCondition::Silent => dice.between(SILENCE_US.0, SILENCE_US.1),
                _ => dice
                    .between(TROUBLE_US.0, TROUBLE_US.1)
                    .max(TROUBLE_REPORTS * self.report_us),
            };
        let server = &mut self.servers[found];
        server.free_at_us = until_us + REPRIEVE_US.max(TROUBLE_REPORTS * self.report_us);
        server.trouble = Some(Trouble {
            condition,
            until_us,
            incident,
        });
        Some(Planted {
            server_id: server.id.clone(),
            last_us: server.last_us.unwrap_or(now_us),
            until_us,
        })
    }

    /// A server's report. Trouble changes what it says, and nothing else in the world.
    pub(crate) fn report(
        &mut self,
        server: usize,
        now_us: i64,
        time: Timestamp,
        dice: &mut Dice,
    ) -> Report {
        let hiccup = dice.chance(self.report_us as f64 / HICCUP_EVERY_US);
        let players_each = self.players_each;
        let server = &mut self.servers[server];
        let load = server.hiccup(hiccup, now_us);
        let crowd = (server.players * 40 / players_each).min(CROWD_MAX);
        let noise = 4 + 3 * server.kind as i64;
        let cpu_load = (12 + crowd + load + dice.between(-noise, noise)).clamp(1, 100);
        let memory_usage = (30 + crowd * 3 / 4 + load / 2 + dice.between(-2, 2)).clamp(1, 100);
        let queueing = (cpu_load - 70).max(0) * 9;
        let latency = (REGIONS[server.site].1 + queueing + dice.between(-6, 14)).max(1);
        let mut reading = Reading {
            server_id: "",
            cpu_load,
            memory_usage,
            latency,
        };
        let (incident, is_heard) = server.suffer(&mut reading, now_us);
        server.last_us = Some(now_us);
        reading.server_id = &server.id;
        let value = encode(&ServerMetric {
            event_name: "server_metric",
            parameters: reading,
            event_timestamp: time,
            server_data: Site {
                region: REGIONS[server.site].0,
                server_type: SERVER_TYPES[server.kind],
            },
        });
        Report {
            key: server.id.clone(),
            value,
            incident,
            is_heard,
        }
    }
}

impl Server {
    fn new(number: usize) -> Self {
        Self {
            id: format!("server_{}", number + 1),
            site: number % REGIONS.len(),
            kind: usize::from(number % 3 == 2),
            players: 0,
            last_us: None,
            last_hiccup_us: i64::MIN / 2,
            trouble: None,
            free_at_us: 0,
        }
    }

    /// Known by its reports, and without trouble for a while.
    fn is_free(&self, now_us: i64) -> bool {
        self.last_us.is_some() && self.trouble.is_none() && self.free_at_us <= now_us
    }

    /// The load that a hiccup adds, if there is one.
    fn hiccup(&mut self, wanted: bool, now_us: i64) -> i64 {
        if !wanted || now_us - self.last_hiccup_us < HICCUPS_APART_US {
            return 0;
        }
        self.last_hiccup_us = now_us;
        HICCUP
    }

    /// What trouble makes of a reading: the incident that it is evidence of, and whether it is heard. The first report
    /// after a silence is evidence too: it is the end.
    fn suffer(&mut self, reading: &mut Reading<'_>, now_us: i64) -> (Option<u64>, bool) {
        let Some(trouble) = self.trouble else {
            return (None, true);
        };
        let incident = Some(trouble.incident);
        if now_us >= trouble.until_us {
            self.trouble = None;
            let ends_silence = trouble.condition == ServerCondition::Silent;
            return (incident.filter(|_| ends_silence), true);
        }
        match trouble.condition {
            ServerCondition::Cpu => reading.cpu_load = 92 + reading.cpu_load % 8,
            ServerCondition::Memory => reading.memory_usage = 91 + reading.memory_usage % 7,
            ServerCondition::Latency => reading.latency += 300,
            ServerCondition::Silent => return (incident, false),
        }
        (incident, true)
    }
}
