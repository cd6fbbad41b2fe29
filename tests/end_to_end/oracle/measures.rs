//! What each derived topic has to say of the accepted events.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::accept::{Accepted, Event};
use super::{Rows, WINDOW_MS};

/// The rows of `level-engagement`.
pub(crate) fn level_engagement(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let of = |event_type: &str| events.iter().filter(|event| event.is(event_type)).count();
        let distinct = |field: &str| {
            events
                .iter()
                .map(|event| event.text("parameters", field))
                .collect::<BTreeSet<_>>()
                .len()
        };
        let completing: BTreeSet<_> = events
            .iter()
            .filter(|event| event.is("level_complete"))
            .map(|event| event.text("parameters", "session_id"))
            .collect();
        let sessions = distinct("session_id");
        json!({
            "game_id": events[0].game(), "level_id": events[0].text("parameters", "level_id"), "map_id": events[0].text("parameters", "map_id"),
            "events": events.len(), "active_players": distinct("player_id"), "sessions": sessions,
            "moves": of("move"), "interactions": of("interaction"), "level_completes": of("level_complete"),
            "completing_sessions": completing.len(),
            "completion_rate": (completing.len() as f64 / sessions as f64 * 1e4).round_ties_even() / 1e4,
        })
    })
}

/// The rows of `purchase-summaries`; the generator's amounts have the currency's digits exactly.
pub(crate) fn purchase_summaries(accepted: &Accepted) -> Rows {
    rows(accepted, |events| {
        let currency = events[0].text("parameters", "currency");
        let digits = match currency.as_str() {
            "JPY" => 0,
            "BHD" => 3,
            _ => 2,
        };
        let mut seen = BTreeSet::new();
        let (mut purchases, mut refunds, mut gross, mut refunded) = (0, 0, 0, 0);
        let mut buyers = BTreeSet::new();
        let mut latest = BTreeSet::new();
        for event in events {
            latest.insert((event.time_ms, event.text("parameters", "item_type")));
            if !seen.insert(event.json.to_string()) {
                continue;
            }
            let minor = (event.number("amount") * 10_f64.powi(digits)).round() as i64;
            if event.text("parameters", "transaction_type") == "purchase" {
                (purchases, gross) = (purchases + 1, gross + minor);
                buyers.insert(event.text("user_data", "user_id"));
            } else {
                (refunds, refunded) = (refunds + 1, refunded + minor);
            }
        }
        let money = |minor: i64| match digits {
            0 => minor.to_string(),
            _ => format!(
                "{}{}.{:0width$}",
                if minor < 0 { "-" } else { "" },
                minor.abs() / 10_i64.pow(digits as u32),
                minor.abs() % 10_i64.pow(digits as u32),
                width = digits as usize
            ),
        };
        json!({
            "game_id": events[0].game(), "item_id": events[0].text("parameters", "item_id"), "currency": currency,
            "item_type": latest.last().unwrap().1, "purchases": purchases, "refunds": refunds,
            "gross": money(gross), "refunded": money(refunded), "net": money(gross - refunded), "buyers": buyers.len(),
        })
    })
}

/// The rows of `server-health`, quantiles exact.
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
            "server_id": events[0].text("parameters", "server_id"), "region": latest.1, "server_type": latest.2, "samples": events.len(),
            "cpu_load": {"mean": mean(&cpu), "max": max(&cpu)}, "memory_usage": {"mean": mean(&memory), "max": max(&memory)},
            "latency_ms": {"mean": mean(&latency), "p50": quantile(0.5), "p95": p95, "p99": quantile(0.99), "max": max(&latency)},
        });
        // So close to a threshold the sketch may fall on its other side.
        if [100.0, 250.0]
            .iter()
            .all(|limit: &f64| (p95 - limit).abs() > limit * 0.011)
        {
            row["status"] = json!(status);
        }
        row
    })
}

fn rows(accepted: &Accepted, measures: impl Fn(&[Event]) -> Value) -> Rows {
    accepted
        .0
        .iter()
        .map(|((window, key), events)| {
            let Value::Object(mut row) = measures(events) else {
                panic!("measures are an object")
            };
            row.insert("window_start".to_owned(), timestamp(*window));
            row.insert("window_end".to_owned(), timestamp(window + WINDOW_MS));
            ((*window, key.clone()), Value::Object(row))
        })
        .collect()
}

fn timestamp(ms: i64) -> Value {
    json!(
        jiff::Timestamp::from_millisecond(ms)
            .unwrap()
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string()
    )
}
