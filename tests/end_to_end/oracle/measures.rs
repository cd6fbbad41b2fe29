//! Recomputes the derived topics with fixed windows whose source is `player-events` or `server-metrics`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Rows;
use super::accept::{Accepted, Event};

/// Returns the expected rows of `level-engagement`.
pub(crate) fn level_engagement(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let of = |event_type: &str| events.iter().filter(|event| event.is(event_type)).count();
        let completing: BTreeSet<_> = events
            .iter()
            .filter(|event| event.is("level_complete"))
            .map(|event| event.text("parameters", "session_id"))
            .collect();
        let sessions = distinct(events, "session_id");
        json!({
            "game_id": events[0].game(), "level_id": events[0].text("parameters", "level_id"),
            "map_id": events[0].text("parameters", "map_id"),
            "events": events.len(), "active_players": distinct(events, "player_id"), "sessions": sessions,
            "moves": of("move"), "interactions": of("interaction"), "level_completes": of("level_complete"),
            "completing_sessions": completing.len(),
            "completion_rate": (completing.len() as f64 / sessions as f64 * 1e4).round_ties_even() / 1e4,
        })
    })
}

/// Returns the expected rows of `active-players`, if no window has more platforms than the derivation counts one by
/// one.
pub(crate) fn active_players(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let mut platforms: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for event in events {
            let players = platforms.entry(event.text("user_data", "platform"));
            players
                .or_default()
                .insert(event.text("parameters", "player_id"));
        }
        let by_platform: BTreeMap<_, _> = platforms
            .iter()
            .map(|(platform, players)| (platform, players.len()))
            .collect();
        json!({
            "game_id": events[0].game(), "active_players": distinct(events, "player_id"),
            "sessions": distinct(events, "session_id"), "events": events.len(), "by_platform": by_platform,
        })
    })
}

/// Returns the expected rows of `player-activity`.
pub(crate) fn player_activity(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        json!({
            "game_id": events[0].game(), "player_id": events[0].text("parameters", "player_id"),
            "event_count": events.len(),
        })
    })
}

fn distinct(events: &[Event], field: &str) -> usize {
    let values = events.iter().map(|event| event.text("parameters", field));
    values.collect::<BTreeSet<_>>().len()
}

/// Returns the expected rows of `server-health`, with exact quantiles.
pub(crate) fn server_health(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let readings = |field: &str| {
            events
                .iter()
                .map(|event| event.number(field))
                .collect::<Vec<_>>()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let max = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let (cpu, memory, mut latency) = (
            readings("cpu_load"),
            readings("memory_usage"),
            readings("latency"),
        );
        latency.sort_by(f64::total_cmp);
        let quantile = |q: f64| latency[(q * (latency.len() - 1) as f64) as usize];
        let p95 = quantile(0.95);
        let exceeds = |percent: f64, latency_ms: f64| {
            mean(&cpu) > percent || mean(&memory) > percent || p95 > latency_ms
        };
        let status = if exceeds(90.0, 250.0) {
            "critical"
        } else if exceeds(80.0, 100.0) {
            "degraded"
        } else {
            "healthy"
        };
        let latest = events
            .iter()
            .map(|event| {
                (
                    event.time_ms,
                    event.text("server_data", "region"),
                    event.text("server_data", "server_type"),
                )
            })
            .max()
            .unwrap();
        let mut row = json!({
            "server_id": events[0].text("parameters", "server_id"), "region": latest.1, "server_type": latest.2,
            "samples": events.len(), "cpu_load": {"mean": mean(&cpu), "max": max(&cpu)},
            "memory_usage": {"mean": mean(&memory), "max": max(&memory)},
            "latency_ms": {
                "mean": mean(&latency), "p50": quantile(0.5), "p95": p95, "p99": quantile(0.99), "max": max(&latency),
            },
        });
        // If the p95 is close to a threshold, the p95 of a sketch may be on the other side, so the status is not
        // compared.
        if [100.0, 250.0]
            .iter()
            .all(|limit: &f64| (p95 - limit).abs() > limit * 0.011)
        {
            row["status"] = json!(status);
        }
        row
    })
}

pub(super) fn rows(accepted: &Accepted, measures: impl Fn(&[Event]) -> Value) -> Rows {
    accepted
        .windows
        .iter()
        .map(|((window, key), events)| {
            let Value::Object(mut row) = measures(events) else {
                panic!("measures are an object")
            };
            row.insert("window_start".to_owned(), timestamp(*window));
            row.insert(
                "window_end".to_owned(),
                timestamp(window + accepted.window_ms),
            );
            ((*window, key.clone()), Value::Object(row))
        })
        .collect()
}

pub(super) fn timestamp(ms: i64) -> Value {
    json!(
        jiff::Timestamp::from_millisecond(ms)
            .unwrap()
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string()
    )
}
