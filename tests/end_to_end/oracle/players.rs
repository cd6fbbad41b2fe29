//! Recomputes sessions and stuck players: sorts the accepted events, and splits them as the definitions
//! require.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::Rows;
use super::accept::{Event, player_events_one_by_one, record_key};
use super::measures::timestamp;

/// Returns the expected rows of `player-session-summaries`.
pub(crate) fn player_session_summaries(records: &[client::Record], gap_ms: i64) -> Rows {
    let mut rows = Rows::new();
    let key = |event: &Event| {
        [
            event.game(),
            of(event, "player_id"),
            of(event, "session_id"),
        ]
    };
    for (key, events) in sorted_by(player_events_one_by_one(records), key) {
        for session in events.chunk_by(|a, b| b.time_ms - a.time_ms <= gap_ms) {
            let (first, last) = (session[0].time_ms, session[session.len() - 1].time_ms);
            let distinct =
                |field| -> BTreeSet<_> { session.iter().map(|event| of(event, field)).collect() };
            let first_ones = session.iter().filter(|event| event.time_ms == first);
            let row = json!({
                "window_start": timestamp(first), "window_end": timestamp(last + 1),
                "game_id": key[0], "player_id": key[1], "session_id": key[2],
                "platform": first_ones.map(|event| event.text("user_data", "platform")).min(),
                "session_start": timestamp(first), "session_end": timestamp(last),
                "duration_s": (last - first) as f64 / 1e3,
                "events": session.len(),
                "level_completes": session.iter().filter(|event| event.is("level_complete")).count(),
                "levels": distinct("level_id"), "maps": distinct("map_id"),
            });
            rows.insert((first, record_key(&key)), row);
        }
    }
    rows
}

/// The parameters of `stuck-players`.
#[derive(Clone, Copy)]
pub(crate) struct Stuck {
    pub(crate) min_ms: i64,
    pub(crate) min_events: usize,
    pub(crate) gap_ms: i64,
}

/// Returns the expected rows of `stuck-players`.
pub(crate) fn stuck_players(records: &[client::Record], stuck: Stuck) -> Rows {
    let mut rows = Rows::new();
    let key = |event: &Event| [event.game(), of(event, "player_id")];
    for (key, events) in sorted_by(player_events_one_by_one(records), key) {
        let visits = events.chunk_by(|a, b| is_one_visit(a, b, stuck.gap_ms));
        for visit in visits.filter(|visit| !ends_visit(&visit[0])) {
            let since = visit[0].time_ms;
            let is_too_long = |place: &usize| {
                visit[*place].time_ms - since >= stuck.min_ms && place + 1 >= stuck.min_events
            };
            let Some(place) = (0..visit.len()).find(is_too_long) else {
                continue;
            };
            let (at, level) = (visit[place].time_ms, of(&visit[0], "level_id"));
            let row = json!({
                "window_start": timestamp(since), "window_end": timestamp(at + 1),
                "game_id": key[0], "player_id": key[1], "level_id": level,
                "map_id": of(&visit[0], "map_id"), "session_id": of(&visit[0], "session_id"),
                "since": timestamp(since), "seconds_on_level": (at - since) as f64 / 1e3,
                "events": place + 1,
            });
            rows.insert((since, record_key(&[&key[..], &[level]].concat())), row);
        }
    }
    rows
}

/// Whether an event continues the visit of the event before it. An event that ends a visit is not part of any
/// visit.
fn is_one_visit(before: &Event, event: &Event, gap_ms: i64) -> bool {
    let same = |field| of(before, field) == of(event, field);
    !ends_visit(before)
        && !ends_visit(event)
        && ["level_id", "map_id", "session_id"].into_iter().all(same)
        && event.time_ms - before.time_ms <= gap_ms
}

fn ends_visit(event: &Event) -> bool {
    ["level_complete", "logout", "session_end"]
        .iter()
        .any(|kind| event.is(kind))
}

/// Returns the accepted events of each key in the order of event time. Events of the same instant keep their
/// order.
pub(super) fn sorted_by<const N: usize>(
    accepted: Vec<Event>,
    key: impl Fn(&Event) -> [String; N],
) -> BTreeMap<[String; N], Vec<Event>> {
    let mut keys: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for event in accepted {
        keys.entry(key(&event)).or_default().push(event);
    }
    for events in keys.values_mut() {
        events.sort_by_key(|event| event.time_ms);
    }
    keys
}

fn of(event: &Event, field: &str) -> String {
    event.text("parameters", field)
}
