//! Recomputes the derivations that are queries.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use client::Record;
use serde_json::json;

use super::Rows;
use super::accept::{Event, player_events_one_by_one, record_key, server_metrics_one_by_one};
use super::measures::timestamp;

/// Counts the events of each level in windows of `size_ms` that begin every `slide_ms`. Only odd counts have a row.
pub(crate) fn odd_levels(records: &[Record], slide_ms: i64, size_ms: i64) -> Rows {
    let row = |((start, level), count): ((i64, String), u64)| {
        let row = json!({
            "window_start": timestamp(start), "window_end": timestamp(start + size_ms),
            "level_id": &level, "events": count,
        });
        ((start, record_key(&[level])), row)
    };
    let counts = odd_counts(records, "level_id", (slide_ms, size_ms));
    counts.into_iter().map(row).collect()
}

/// The values of `field` with the largest odd numbers of events in each window, with their ranks.
pub(crate) fn busiest(
    records: &[Record],
    field: &str,
    (slide_ms, size_ms): (i64, i64),
    limit: usize,
) -> Rows {
    let mut windows: BTreeMap<i64, Vec<(String, u64)>> = BTreeMap::new();
    for ((start, value), count) in odd_counts(records, field, (slide_ms, size_ms)) {
        windows.entry(start).or_default().push((value, count));
    }
    let mut rows = Rows::new();
    for (start, mut values) in windows {
        // Values with equal counts remain in their order.
        values.sort_by_key(|(_, count)| Reverse(*count));
        for (rank, (value, count)) in (1..).zip(values.into_iter().take(limit)) {
            let row = json!({
                "window_start": timestamp(start), "window_end": timestamp(start + size_ms),
                field: value, "events": count, "rank": rank,
            });
            let digits = limit.to_string().len();
            rows.insert((start, format!("{rank:0digits$}")), row);
        }
    }
    rows
}

/// The numbers of events by window start and value of `field`, if they are odd.
fn odd_counts(
    records: &[Record],
    field: &str,
    (slide_ms, size_ms): (i64, i64),
) -> BTreeMap<(i64, String), u64> {
    let mut counts: BTreeMap<(i64, String), u64> = BTreeMap::new();
    for event in player_events_one_by_one(records) {
        let last = event.time_ms.div_euclid(slide_ms) * slide_ms;
        for hops in 0..size_ms / slide_ms {
            let place = (last - hops * slide_ms, event.text("parameters", field));
            *counts.entry(place).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count % 2 == 1);
    counts
}

/// The visits of each player: their events without a pause longer than `gap_ms`.
pub(crate) fn visits(records: &[Record], gap_ms: i64) -> Rows {
    let mut players: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in player_events_one_by_one(records) {
        let player = event.text("parameters", "player_id");
        players.entry(player).or_default().push(event);
    }
    let mut rows = Rows::new();
    for (player, mut events) in players {
        events.sort_by_key(|event| event.time_ms);
        for visit in events.chunk_by(|a, b| b.time_ms - a.time_ms <= gap_ms) {
            let (first, last) = (visit[0].time_ms, visit[visit.len() - 1].time_ms);
            let first_ones = visit.iter().filter(|event| event.time_ms == first);
            let level = first_ones.map(|event| event.text("parameters", "level_id"));
            let row = json!({
                "window_start": timestamp(first), "window_end": timestamp(last + 1),
                "player_id": player, "events": visit.len(), "first_level": level.min(),
            });
            rows.insert((first, record_key(&[&player])), row);
        }
    }
    rows
}

/// The load and the latency of each server in windows of ten seconds.
pub(crate) fn server_load(records: &[Record]) -> Rows {
    const SIZE_MS: i64 = 10_000;
    let mut windows: BTreeMap<(i64, String), Vec<Event>> = BTreeMap::new();
    for event in server_metrics_one_by_one(records) {
        let start = event.time_ms.div_euclid(SIZE_MS) * SIZE_MS;
        let place = (start, event.text("parameters", "server_id"));
        windows.entry(place).or_default().push(event);
    }
    let row = |((start, server), events): ((i64, String), Vec<Event>)| {
        let sorted = |field: &str| {
            let mut numbers: Vec<f64> = events.iter().map(|event| event.number(field)).collect();
            numbers.sort_by(f64::total_cmp);
            numbers
        };
        let (cpu, latency) = (sorted("cpu_load"), sorted("latency"));
        let row = json!({
            "window_start": timestamp(start), "window_end": timestamp(start + SIZE_MS),
            "server_id": &server, "samples": events.len(),
            "cpu_mean": cpu.iter().sum::<f64>() / cpu.len() as f64, "cpu_max": cpu.last(),
            "latency_p95": latency[((latency.len() - 1) as f64 * 0.95) as usize],
        });
        ((start, record_key(&[server])), row)
    };
    windows.into_iter().map(row).collect()
}
