//! Game servers. Their load follows the number of players, with noise, occasional single high readings, and
//! planted faults.

mod windows;

use std::sync::Arc;

use model::derived::ServerCondition;
use model::time::Timestamp;

use crate::catalogue::{Catalogue, Goods};
use crate::dice::Dice;
use crate::payload::{Reading, ServerMetric, Site, encode};

use self::windows::Windows;

const PLAYERS_PER_SERVER: usize = 200;
const SERVERS_MIN: usize = 3;
const SERVERS_MAX: usize = 40;
/// The mean number of seconds between two reports of a server, if the world has no rate.
const REPORT_S: f64 = 10.0;
/// The mean time between two hiccups of a server: single readings far above the usual ones, which must
/// raise no alert.
const HICCUP_EVERY_US: f64 = 480e6;
/// The minimum time between two hiccups of a server, so that each hiccup remains a single reading.
const HICCUPS_APART_US: i64 = 60_000_000;
/// The CPU load that a hiccup adds, in percent. Half as much is added to the memory usage.
const HICCUP: i64 = 38;
/// The maximum CPU load that players cause, in percent. A server with the average number of players has 40. With this
/// limit, even the fullest server is healthy.
const CROWD_MAX: i64 = 48;
/// The minimum time from the end of a server's fault to its next fault, so that the alerts of the first fault
/// can close.
const REPRIEVE_US: i64 = 90_000_000;
/// The duration of a planted fault: many windows of ten seconds. If servers report rarely, a fault lasts longer:
/// `FAULT_REPORTS` times the mean time between two reports of a server.
const FAULT_US: (i64, i64) = (60_000_000, 90_000_000);
const FAULT_REPORTS: i64 = 8;
/// The duration of a silence. `server-alerts` reports a server after thirty seconds of silence.
const SILENCE_US: (i64, i64) = (45_000_000, 75_000_000);

pub(crate) struct Fleet {
    catalogue: Arc<Catalogue>,
    servers: Vec<Server>,
    /// The mean time between two reports of a server.
    report_us: i64,
    players_each: i64,
}

struct Server {
    id: String,
    /// The indexes of the server's region and type in the catalogue.
    region: usize,
    server_type: usize,
    players: i64,
    last_us: Option<i64>,
    last_hiccup_us: i64,
    fault: Option<Fault>,
    free_at_us: i64,
    windows: Windows,
}

#[derive(Clone, Copy)]
struct Fault {
    condition: ServerCondition,
    until_us: i64,
    incident: u64,
}

/// The server and the times of a planted fault.
pub(crate) struct Planted {
    pub(crate) server_id: String,
    /// The time of the server's last report before the fault.
    pub(crate) last_us: i64,
    pub(crate) until_us: i64,
}

pub(crate) struct Report {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    /// The number of the incident for which the report is evidence.
    pub(crate) incident: Option<u64>,
    /// Whether the report is sent; false while the server is silent.
    pub(crate) is_sent: bool,
    /// The number of the incident whose evidence this report completes, and the time at which it is complete.
    pub(crate) evident: Option<(u64, Timestamp)>,
}

impl Fleet {
    /// Creates servers for `players` players. The servers send `rate` reports per second in total.
    pub(crate) fn new(catalogue: Arc<Catalogue>, players: usize, rate: f64) -> Self {
        // At a low rate there are fewer servers, so that the mean time between two reports of a server is at most
        // ten seconds. Below a tenth of a report per second there is one server, which reports less often.
        let reporting = ((rate * 10.0) as usize).max(1);
        let count = (players / PLAYERS_PER_SERVER)
            .clamp(SERVERS_MIN, SERVERS_MAX)
            .min(reporting);
        let server = |number| Server::new(number, &catalogue.goods);
        let servers = (0..count).map(server).collect();
        let report_us = (count as f64 / rate * 1e6) as i64;
        Self {
            catalogue,
            servers,
            report_us,
            players_each: (players / count).max(1) as i64,
        }
    }

    /// Creates servers for about this many players, each of which reports every `REPORT_S` on average.
    pub(crate) fn of_players(catalogue: Arc<Catalogue>, players: usize) -> Self {
        let servers = (players / PLAYERS_PER_SERVER).clamp(SERVERS_MIN, SERVERS_MAX);
        Self::new(catalogue, players, servers as f64 / REPORT_S)
    }

    pub(crate) fn count(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn report_us(&self) -> i64 {
        self.report_us
    }

    /// Assigns a player to a random server and returns the server's index.
    pub(crate) fn join(&mut self, dice: &mut Dice) -> usize {
        let server = dice.index(self.servers.len());
        self.servers[server].players += 1;
        server
    }

    pub(crate) fn leave(&mut self, server: usize) {
        self.servers[server].players -= 1;
    }

    /// Plants a fault on a random server for which [`Server::is_free`] is true; `None` if it finds no such server.
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
                    .between(FAULT_US.0, FAULT_US.1)
                    .max(FAULT_REPORTS * self.report_us),
            };
        let server = &mut self.servers[found];
        server.free_at_us = until_us + REPRIEVE_US.max(FAULT_REPORTS * self.report_us);
        server.fault = Some(Fault {
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

    /// Returns a server's report. A fault changes or suppresses only the server's own reports, because it draws no
    /// random numbers from `dice`.
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
        let goods = &self.catalogue.goods;
        let (region, server_type) = (
            &goods.regions[server.region],
            &goods.server_types[server.server_type],
        );
        let load = server.hiccup(hiccup, now_us);
        let crowd = (server.players * 40 / players_each).min(CROWD_MAX);
        let noise = server_type.cpu_noise;
        let cpu_load = (12 + crowd + load + dice.between(-noise, noise)).clamp(1, 100);
        let memory_usage = (30 + crowd * 3 / 4 + load / 2 + dice.between(-2, 2)).clamp(1, 100);
        let queueing = (cpu_load - 70).max(0) * 9;
        let latency = (region.latency_ms + queueing + dice.between(-6, 14)).max(1);
        let mut reading = Reading {
            server_id: "",
            cpu_load,
            memory_usage,
            latency,
        };
        let fault = server.fault;
        let (incident, is_sent) = server.suffer(&mut reading, now_us);
        let ended = is_sent
            .then(|| server.windows.add(&reading, time))
            .flatten();
        let evident = fault
            .zip(ended)
            .filter(|(fault, ended)| ended.shows(fault.condition))
            .map(|(fault, ended)| (fault.incident, ended.end));
        server.last_us = Some(now_us);
        reading.server_id = &server.id;
        let value = encode(&ServerMetric {
            event_name: "server_metric",
            parameters: reading,
            event_timestamp: time,
            server_data: Site {
                region: &region.name,
                server_type: &server_type.name,
            },
        });
        Report {
            key: server.id.clone(),
            value,
            incident,
            is_sent,
            evident,
        }
    }
}

impl Server {
    fn new(number: usize, goods: &Goods) -> Self {
        Self {
            id: format!("server_{}", number + 1),
            region: number % goods.regions.len(),
            server_type: number % goods.server_types.len(),
            players: 0,
            last_us: None,
            last_hiccup_us: i64::MIN / 2,
            fault: None,
            free_at_us: 0,
            windows: Windows::default(),
        }
    }

    /// Returns whether the server has sent a report, and its last fault, if any, ended long enough ago.
    fn is_free(&self, now_us: i64) -> bool {
        self.last_us.is_some() && self.fault.is_none() && self.free_at_us <= now_us
    }

    /// Returns the load that a hiccup adds; 0 if there is none.
    fn hiccup(&mut self, wanted: bool, now_us: i64) -> i64 {
        if !wanted || now_us - self.last_hiccup_us < HICCUPS_APART_US {
            return 0;
        }
        self.last_hiccup_us = now_us;
        HICCUP
    }

    /// Applies the server's fault, if any, to the readings of a report. Returns the incident for which the report is
    /// evidence, and whether the report is sent. The first report after a silence is evidence of the silence's end.
    fn suffer(&mut self, reading: &mut Reading<'_>, now_us: i64) -> (Option<u64>, bool) {
        let Some(fault) = self.fault else {
            return (None, true);
        };
        let incident = Some(fault.incident);
        if now_us >= fault.until_us {
            self.fault = None;
            let ends_silence = fault.condition == ServerCondition::Silent;
            return (incident.filter(|_| ends_silence), true);
        }
        match fault.condition {
            ServerCondition::Cpu => reading.cpu_load = 92 + reading.cpu_load % 8,
            ServerCondition::Memory => reading.memory_usage = 91 + reading.memory_usage % 7,
            ServerCondition::Latency => reading.latency += 300,
            ServerCondition::Silent => return (incident, false),
        }
        (incident, true)
    }
}
