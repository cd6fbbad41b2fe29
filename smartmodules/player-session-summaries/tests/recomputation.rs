//! Compares the derivation with a simple recomputation over the records, in any split and order.

use std::collections::{BTreeMap, BTreeSet};

use dataflow::Registration;
use fold_testing::{assert_every_split, text};
use player_session_summaries::PlayerSessionSummariesDerivation;
use proptest::prelude::*;
use serde_json::{Value, json};

const PARAMS: [(&str, &str); 1] = [("gap_ms", "3000")];
const GAP_MS: u64 = 3_000;

/// Computes the expected rows in one loop over the sorted records.
fn recomputed(records: &[Value]) -> Vec<Value> {
    let mut keys: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in records.iter().filter(|record| is_whole(record)) {
        let [player, session] = ["player_id", "session_id"]
            .map(|name| text(&record["parameters"], &format!("/{name}")));
        let fields = [game(record), player, session]
            .map(|field| field.replace('%', "%25").replace('|', "%7C"));
        keys.entry(fields.join("|")).or_default().push(record);
    }
    let mut rows = Vec::new();
    for (key, mut events) in keys {
        events.sort_by_key(|event| ms(event));
        let mut sessions: Vec<Vec<&Value>> = Vec::new();
        for event in events {
            match sessions.last_mut() {
                Some(session) if ms(event) - ms(session[session.len() - 1]) <= GAP_MS => {
                    session.push(event);
                }
                _ => sessions.push(vec![event]),
            }
        }
        rows.extend(
            sessions
                .iter()
                .map(|session| (ms(session[0]), key.clone(), row(session))),
        );
    }
    rows.sort_by_key(|(start, key, _)| (*start, key.clone()));
    rows.into_iter().map(|(_, _, row)| row).collect()
}

fn game(record: &Value) -> &str {
    let game = record["parameters"]["game_id"].as_str();
    game.unwrap_or("default")
}

fn row(session: &[&Value]) -> Value {
    let (first, last) = (ms(session[0]), ms(session[session.len() - 1]));
    let parameter =
        |name: &'static str| session.iter().map(move |event| &event["parameters"][name]);
    let distinct = |name| -> BTreeSet<&str> { parameter(name).filter_map(Value::as_str).collect() };
    let first_platforms = session.iter().filter(|event| ms(event) == first);
    json!({
        "window_start": time(first), "window_end": time(last + 1),
        "game_id": game(session[0]),
        "player_id": session[0]["parameters"]["player_id"],
        "session_id": session[0]["parameters"]["session_id"],
        "platform": first_platforms.map(|event| text(event, "/user_data/platform")).min(),
        "session_start": time(first), "session_end": time(last),
        "duration_s": (last - first) as f64 / 1_000.0,
        "events": session.len(),
        "level_completes": parameter("event_type").filter(|kind| **kind == "level_complete").count(),
        "levels": distinct("level_id"), "maps": distinct("map_id"),
        "revision": 0,
    })
}

/// Returns whether [`event`] left the record intact.
fn is_whole(record: &Value) -> bool {
    record["parameters"]["player_id"].is_string()
        && record["parameters"]["session_id"].is_string()
        && record["user_data"]["platform"].is_string()
        && record["event_timestamp"] != "yesterday"
}

/// Returns the record's time in milliseconds since 10:15.
fn ms(record: &Value) -> u64 {
    let time = text(record, "/event_timestamp");
    let number = |range: std::ops::Range<usize>| time[range].parse::<u64>().expect("a number");
    (number(14..16) - 15) * 60_000 + number(17..19) * 1_000 + number(20..23)
}

fn time(ms: u64) -> String {
    let seconds = ms / 1_000;
    format!(
        "2024-11-12T10:{}:{:02}.{:03}Z",
        15 + seconds / 60,
        seconds % 60,
        ms % 1_000
    )
}

/// Generates an event within two minutes, sometimes broken. Most times are multiples of half a second, so that the
/// time between two events often equals the gap exactly. There are few different ids, so that keys have many
/// events.
fn event() -> impl Strategy<Value = Value> {
    let ms = (
        0_u64..240,
        prop_oneof![8 => Just(0_u64), 1 => Just(1), 1 => Just(499)],
    );
    let kind = prop::sample::select(vec![
        "move",
        "chat",
        "level_complete",
        "logout",
        "session_end",
    ]);
    let platform = prop::sample::select(vec!["PC", "Console", "Mobile"]);
    let id = |count: u32| (0..count).prop_map(|number| format!("{number}|%"));
    // Most events are in the default game.
    let game = prop::sample::select(vec![None, None, Some("default"), Some("g|")]);
    let other = prop::array::uniform2(prop::sample::select(vec!["a", "b"]));
    (ms, kind, platform, id(2), id(3), id(4), (game, id(3), other), 0..24)
        .prop_map(|((half, more), kind, platform, player, session, level, (game, map, [name, user]), dirt)| {
            let mut event = json!({
                "event_name": name,
                "event_timestamp": time(half * 500 + more),
                "parameters": {"game_id": game, "player_id": player, "session_id": session, "event_type": kind,
                    "level_id": level, "map_id": map},
                "user_data": {"user_id": user, "platform": platform},
            });
            match dirt {
                0 => event["parameters"]["player_id"] = json!(7),
                1 => event["user_data"]["platform"] = Value::Null,
                2 => event["event_timestamp"] = json!("yesterday"),
                3 => drop(event["parameters"].as_object_mut().expect("an object").remove("session_id")),
                _ => {}
            }
            event
        })
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        dealt in prop::collection::vec((event(), 0_usize..7), 1..250),
    ) {
        assert_every_split(&Registration::sessions::<PlayerSessionSummariesDerivation>(), &PARAMS, &dealt, recomputed);
    }
}
