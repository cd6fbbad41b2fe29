//! Writes one day of derived rows, as a world of three games produces them: 20 levels with 3 maps each,
//! 12 items in 4 currencies, 18 servers, and six sessions that end in each second.

use anyhow::Context;
use client::Cluster;
use model::Timestamp;
use serde_json::{Value, json};

const DAY_S: i64 = 86_400;
const GAMES: [&str; 3] = ["tidewrack-isles", "default", "gridlock-ninety"];
const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "BHD"];
const PLATFORMS: [&str; 3] = ["PC", "Console", "Mobile"];
const DERIVATIONS: i64 = 10;
const LEVELS: i64 = 180;
/// The number of events in each row of `level-engagement`.
const EVENTS: i64 = 73;
/// The number of events in all rows of `level-engagement`.
pub(crate) const LEVEL_EVENTS: i64 = DAY_S / 10 * LEVELS * EVENTS;
/// The number of these events in two minutes. A response about the last day may lack up to this many, because the day
/// does not begin at a full minute.
pub(crate) const EDGE_EVENTS: i64 = 2 * 6 * LEVELS * EVENTS;
/// Deliveries are awaited in groups of at least this many; the last group may be smaller.
const CHUNK: usize = 5_000;

/// A derived topic: its window length, the number of rows in each window, and a function from a row's number to the
/// row.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    window_s: i64,
    rows: i64,
    row: fn(i64) -> Value,
}

pub(crate) const TOPICS: [Topic; 12] = [
    Topic {
        name: "active-players",
        window_s: 10,
        rows: 3,
        row: active,
    },
    Topic {
        name: "level-engagement",
        window_s: 10,
        rows: LEVELS,
        row: level,
    },
    Topic {
        name: "purchase-summaries",
        window_s: 10,
        rows: 144,
        row: item,
    },
    Topic {
        name: "revenue",
        window_s: 60,
        rows: 12,
        row: revenue,
    },
    Topic {
        name: "server-health",
        window_s: 10,
        rows: 18,
        row: server,
    },
    Topic {
        name: "player-session-summaries",
        window_s: 1,
        rows: 6,
        row: session,
    },
    Topic {
        name: "accounting",
        window_s: 10,
        rows: DERIVATIONS,
        row: account,
    },
    Topic {
        name: "fraud-alerts",
        window_s: 15,
        rows: 1,
        row: fraud,
    },
    Topic {
        name: "stuck-players",
        window_s: 30,
        rows: 1,
        row: stuck,
    },
    Topic {
        name: "server-alerts",
        window_s: 60,
        rows: 1,
        row: alert,
    },
    Topic {
        name: "rejected-events",
        window_s: 60,
        rows: 1,
        row: rejected,
    },
    Topic {
        name: "late-events",
        window_s: 60,
        rows: 1,
        row: rejected,
    },
];

impl Topic {
    /// Writes a day of rows that ends now, and returns their number.
    pub(crate) async fn write(&self, cluster: &Cluster) -> anyhow::Result<usize> {
        let producer = cluster.producer(self.name).await?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let end = i64::try_from(now.as_secs())? / self.window_s * self.window_s;
        let (mut deliveries, mut written) = (Vec::new(), 0);
        for start in (end - DAY_S..end).step_by(usize::try_from(self.window_s)?) {
            for number in 0..self.rows {
                let mut row = (self.row)(number);
                let fields = row.as_object_mut().context("rows are objects")?;
                fields.insert("window_start".to_owned(), time(start));
                fields.insert("window_end".to_owned(), time(start + self.window_s));
                fields.insert("revision".to_owned(), 0.into());
                self.name_apart(fields, start, number);
                deliveries.push(producer.send("key", row.to_string()).await?);
                written += 1;
            }
            if deliveries.len() >= CHUNK {
                producer.flush().await?;
                for delivery in deliveries.drain(..) {
                    delivery.wait().await?;
                }
            }
        }
        producer.flush().await?;
        for delivery in deliveries {
            delivery.wait().await?;
        }
        Ok(written)
    }

    /// Gives each row its own id and times, so that no two rows are equal.
    fn name_apart(&self, row: &mut serde_json::Map<String, Value>, start: i64, number: i64) {
        for name in ["alert_id", "player_id", "session_id"] {
            if let Some(value) = row.get_mut(name) {
                *value = format!("{name}_{start}_{number}").into();
            }
        }
        for name in ["session_start", "opened_at", "since", "watermark"] {
            if let Some(value) = row.get_mut(name) {
                *value = time(start);
            }
        }
        if let Some(end) = row.get_mut("session_end") {
            *end = time(start + 431);
        }
    }
}

fn time(seconds: i64) -> Value {
    Timestamp::from_millis(seconds * 1_000).to_string().into()
}

fn of<T: Copy>(names: &[T], number: i64) -> T {
    names[number.unsigned_abs() as usize % names.len()]
}

fn active(number: i64) -> Value {
    json!({"game_id": of(&GAMES, number), "active_players": 1_700, "sessions": 1_750, "events": 4_400,
        "by_platform": {"PC": 700, "Console": 400, "Mobile": 600}})
}

fn level(number: i64) -> Value {
    json!({"game_id": of(&GAMES, number), "level_id": format!("level_{:02}", number / 9),
        "map_id": format!("map_{:02}", number / 3 % 3),
        "events": EVENTS, "active_players": 31, "sessions": 32, "moves": 40, "interactions": 25, "level_completes": 5,
        "completing_sessions": 5, "completion_rate": 0.1563})
}

fn item(number: i64) -> Value {
    json!({"game_id": of(&GAMES, number), "item_id": format!("weapon_of_number_{}", number / 12), "item_type": "weapon",
        "currency": of(&CURRENCIES, number / 3), "purchases": 4, "refunds": 0, "gross": "19.96", "refunded": "0.00",
        "net": "19.96", "buyers": 4})
}

fn revenue(number: i64) -> Value {
    json!({"game_id": of(&GAMES, number), "currency": of(&CURRENCIES, number / 3), "purchases": 300, "refunds": 3,
        "gross": "1496.00", "refunded": "14.97", "net": "1481.03", "buyers": 280,
        "average_purchase": "4.99", "arppu": "5.29"})
}

fn server(number: i64) -> Value {
    let load = json!({"mean": 41.25, "max": 63.5});
    json!({"server_id": format!("server_{number}"), "region": "eu-central", "server_type": "dedicated", "samples": 33,
        "cpu_load": load, "memory_usage": load,
        "latency_ms": {"mean": 37.4, "p50": 36.1, "p95": 47.3, "p99": 52.8, "max": 61.0},
        "status": "healthy"})
}

fn session(number: i64) -> Value {
    json!({"game_id": of(&GAMES, number), "player_id": "", "session_id": "", "platform": of(&PLATFORMS, number),
        "session_start": "", "session_end": "", "duration_s": 431.0, "events": 108, "level_completes": 9,
        "levels": ["level_01", "level_02"], "maps": ["map_01"]})
}

fn account(number: i64) -> Value {
    json!({"derivation": format!("derivation-{number}"), "topic": "player-events", "partition": 0, "read": 88_000,
        "accepted": 88_000, "rejected": {}, "late": 0, "duplicate": 0, "next_offset": 88_000, "watermark": ""})
}

fn fraud(_: i64) -> Value {
    let transactions: Vec<_> = (0..6)
        .map(|number| format!("trans_1a1ffd209b4_i12_{number}"))
        .collect();
    json!({"game_id": "tidewrack-isles", "user_id": "player_1a1ffd209b4_22", "rule": "velocity", "alert_id": "",
        "severity": "high", "reason": "6 purchases within 23.707 s: more than 5 in 60 s", "score": 0.9,
        "transaction_ids": transactions, "transactions": 6,
        "evidence": {"purchases": 6, "within_ms": 23_707, "n": 5, "window_s": 60}, "rule_version": 1})
}

fn stuck(_: i64) -> Value {
    json!({"game_id": "tidewrack-isles", "player_id": "", "level_id": "level_05", "map_id": "map_01", "since": "",
        "seconds_on_level": 120.4, "events": 31, "session_id": "",
        "reason": "120.4 s on the level with 31 events and no completion"})
}

fn alert(number: i64) -> Value {
    json!({"server_id": format!("server_{number}"), "condition": "cpu", "region": "eu-central",
        "server_type": "virtual", "opened_at": "", "closed_at": null, "value": 91.2, "threshold": 80.0,
        "reason": "mean CPU load above 80 % in 2 windows of 10 s in a row, last 91.2 %"})
}

fn rejected(_: i64) -> Value {
    json!({"topic": "player-events", "partition": 0, "offset": 7, "received_at": "2024-11-12T10:15:30.000Z",
        "reason": "not_json", "detail": "expected a value", "payload": "x".repeat(290)})
}
