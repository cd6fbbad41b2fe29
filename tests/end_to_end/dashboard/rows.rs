//! Builds rows that change views. For each view, the row belongs to a topic from which the view is computed, and has a
//! mark (see `browsers.rs`) in a field that the view shows.

use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) const WINDOW_MS: i64 = 10_000;

/// A view, a topic that changes it, and a function from a mark and a window to a row.
pub(super) type Source = (&'static str, &'static str, fn(&str, i64) -> Value);

/// One source for each view.
pub(super) const SOURCES: [Source; 7] = [
    ("overview", "active-players", active),
    ("engagement", "level-engagement", level),
    ("sessions", "player-session-summaries", session),
    ("purchases", "purchase-summaries", item),
    ("fraud", "fraud-alerts", fraud),
    ("servers", "server-health", server),
    ("quality", "rejected-events", rejected),
];
/// The other topics that the dashboard reads.
pub(super) const OTHERS: [&str; 5] = [
    "revenue",
    "stuck-players",
    "server-alerts",
    "accounting",
    "late-events",
];

fn row(window: i64, measures: Value) -> Value {
    let time = |ms| Timestamp::from_millisecond(ms).unwrap().to_string();
    let mut row = measures;
    row["window_start"] = time(window).into();
    row["window_end"] = time(window + WINDOW_MS).into();
    row["revision"] = 0.into();
    row
}

fn active(mark: &str, window: i64) -> Value {
    row(
        window,
        json!({"game_id": mark, "active_players": 1, "sessions": 1, "events": 1, "by_platform": {"PC": 1}}),
    )
}

fn level(mark: &str, window: i64) -> Value {
    row(
        window,
        json!({"game_id": "g", "level_id": mark, "map_id": "m", "events": 1, "active_players": 1, "sessions": 1,
        "moves": 1, "interactions": 0, "level_completes": 0, "completing_sessions": 0, "completion_rate": 0.0}),
    )
}

/// The mark is also the platform, because the platform is the only text field of a session that the view shows.
fn session(mark: &str, window: i64) -> Value {
    let time = Timestamp::from_millisecond(window).unwrap().to_string();
    row(
        window,
        json!({"game_id": "g", "player_id": mark, "session_id": "s", "platform": mark, "session_start": time,
        "session_end": time, "duration_s": 0.0, "events": 1, "level_completes": 0, "levels": [], "maps": []}),
    )
}

fn item(mark: &str, window: i64) -> Value {
    row(
        window,
        json!({"game_id": "g", "item_id": mark, "item_type": "t", "currency": "USD", "purchases": 1_000_000,
        "refunds": 0, "gross": "1.00", "refunded": "0.00", "net": "1.00", "buyers": 1}),
    )
}

fn fraud(mark: &str, window: i64) -> Value {
    row(
        window,
        json!({"game_id": "g", "user_id": mark, "rule": "velocity", "alert_id": mark, "severity": "high",
        "reason": "many", "score": 0.9, "transaction_ids": ["t"], "transactions": 1,
        "evidence": {"purchases": 6, "within_ms": 5, "n": 5, "window_s": 60}, "rule_version": 1}),
    )
}

fn server(mark: &str, window: i64) -> Value {
    let load = json!({"mean": 1.0, "max": 2.0});
    row(
        window,
        json!({"server_id": mark, "region": "eu", "server_type": "virtual", "samples": 1, "cpu_load": load,
        "memory_usage": load, "latency_ms": {"mean": 1.0, "p50": 1.0, "p95": 1.0, "p99": 1.0, "max": 1.0},
        "status": "healthy"}),
    )
}

fn rejected(mark: &str, _: i64) -> Value {
    json!({"topic": "player-events", "partition": 0, "offset": 1, "reason": "not_json", "detail": mark, "payload": "x"})
}
