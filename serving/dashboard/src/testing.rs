//! Builds records for tests, in the form in which the runner writes them.

use client::{Offset, Record};
use serde_json::{Value, json};

use crate::query::Query;
use crate::store::{Store, Topic};
use crate::views::{self, View};

/// The start of the first window, at a whole minute.
pub(crate) const START: i64 = 1_731_406_500_000;

pub(crate) fn time(ms: i64) -> String {
    model::Timestamp::from_millis(ms).to_string()
}

impl Store {
    /// Folds one record into the store.
    pub(crate) fn take(&mut self, topic: Topic, value: &Value) {
        let record = Record {
            offset: Offset::ZERO,
            timestamp_ms: Some(START + 20_000),
            key: None,
            value: value.to_string().into_bytes().into(),
        };
        self.apply(topic, &record);
    }

    pub(crate) fn answer(&self, view: View, query: &str) -> Value {
        let query = Query::parse(query).unwrap();
        serde_json::from_slice(&views::answer(view, self, &query).unwrap()).unwrap()
    }
}

/// Builds a row for the ten-second window that begins at `start`.
pub(crate) fn row(start: i64, revision: u32, measures: Value) -> Value {
    let mut row = json!({"window_start": time(start), "window_end": time(start + 10_000), "revision": revision});
    row.as_object_mut()
        .unwrap()
        .extend(measures.as_object().unwrap().clone());
    row
}

pub(crate) fn active(game: &str, players: u64, pc: u64) -> Value {
    json!({"game_id": game, "active_players": players, "sessions": players, "events": 3 * players,
        "by_platform": {"PC": pc, "Mobile": players - pc}})
}

pub(crate) fn level(level: &str, players: u64, sessions: u64, completing: u64) -> Value {
    json!({"game_id": "g", "level_id": level, "map_id": "m", "events": players, "active_players": players,
        "sessions": sessions, "moves": 0, "interactions": 0, "level_completes": completing,
        "completing_sessions": completing, "completion_rate": null})
}

pub(crate) fn revenue(currency: &str, gross: &str, refunded: &str) -> Value {
    json!({"game_id": "g", "currency": currency, "purchases": 2, "refunds": 1, "gross": gross,
        "refunded": refunded, "net": "0", "buyers": 2, "average_purchase": gross, "arppu": gross})
}

pub(crate) fn fraud(user: &str, id: &str, severity: &str) -> Value {
    json!({"game_id": "g", "user_id": user, "rule": "velocity", "alert_id": id, "severity": severity,
        "reason": "many", "score": 0.9, "transaction_ids": ["t1"], "transactions": 1,
        "evidence": {"purchases": 6, "within_ms": 5, "n": 5, "window_s": 60}, "rule_version": 1})
}

pub(crate) fn health(server: &str, status: &str, cpu: f64) -> Value {
    json!({"server_id": server, "region": "eu", "server_type": "virtual", "samples": 4,
        "cpu_load": {"mean": cpu, "max": cpu}, "memory_usage": {"mean": 1.0, "max": 2.0},
        "latency_ms": {"mean": 1.0, "p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}, "status": status})
}

pub(crate) fn server_alerts(server: &str, opened: i64, closed: Option<i64>) -> Value {
    json!({"server_id": server, "condition": "cpu", "region": "eu", "server_type": "virtual",
        "opened_at": time(opened), "closed_at": closed.map(time), "value": 91.0, "threshold": 80.0, "reason": "hot"})
}

pub(crate) fn account(derivation: &str, next: i64, accepted: u64, rejected: u64) -> Value {
    json!({"derivation": derivation, "topic": "player-events", "partition": 0, "read": 10, "accepted": accepted,
        "rejected": {"not_json": rejected}, "late": 0, "duplicate": 0, "evicted": 0, "next_offset": next,
        "watermark": time(START + 15_000)})
}
