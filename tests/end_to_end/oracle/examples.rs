//! Recomputes the derivations of the dataflow files in `examples`.

use std::collections::{BTreeMap, BTreeSet};

use client::Record;
use serde_json::{Value, json};

use super::Rows;
use super::accept::{Event, player_events_one_by_one, record_key};
use super::measures::timestamp;

/// Counts the events of each player in windows of `size_ms`.
pub(crate) fn events_by_player(records: &[Record], size_ms: i64) -> Rows {
    let windows = windows(records, "player_id", size_ms, size_ms);
    let row = |((start, player), events): ((i64, String), Vec<Event>)| {
        let measures = json!({"player_id": &player, "event_count": events.len()});
        row_of((start, start + size_ms), &[&player], measures)
    };
    windows.into_iter().map(row).collect()
}

/// Counts the events and the players of each level in windows of `size_ms` that begin every `slide_ms`.
pub(crate) fn events_by_level(records: &[Record], slide_ms: i64, size_ms: i64) -> Rows {
    let windows = windows(records, "level_id", slide_ms, size_ms);
    let row = |((start, level), events): ((i64, String), Vec<Event>)| {
        let players = events
            .iter()
            .map(|event| event.text("parameters", "player_id"));
        let players = players.collect::<BTreeSet<_>>().len();
        let measures = json!({"level_id": &level, "event_count": events.len(), "players": players});
        row_of((start, start + size_ms), &[&level], measures)
    };
    windows.into_iter().map(row).collect()
}

/// Returns the player events of each window and value of a field.
fn windows(
    records: &[Record],
    field: &str,
    slide_ms: i64,
    size_ms: i64,
) -> BTreeMap<(i64, String), Vec<Event>> {
    let mut windows: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for hops in 0..size_ms / slide_ms {
        for event in player_events_one_by_one(records) {
            let start = (event.time_ms.div_euclid(slide_ms) - hops) * slide_ms;
            let place = (start, event.text("parameters", field));
            windows.entry(place).or_default().push(event);
        }
    }
    windows
}

/// Returns the row of a window, from its start to its end, with the values of its key and its other columns.
pub(crate) fn row_of(
    (start, end): (i64, i64),
    key: &[&str],
    mut columns: Value,
) -> ((i64, String), Value) {
    columns["window_start"] = timestamp(start);
    columns["window_end"] = timestamp(end);
    ((start, record_key(key)), columns)
}
