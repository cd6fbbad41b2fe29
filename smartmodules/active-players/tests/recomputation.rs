//! Compares the derivation with a simple recomputation over the records, in any split and order. The records
//! include broken ones, and more platforms than have their own entry.

use std::collections::{BTreeMap, BTreeSet};

use active_players::ActivePlayersDerivation;
use dataflow::Registration;
use fold_testing::{assert_every_split, derived, text};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const PARAMS: [(&str, &str); 1] = [("window_ms", "10000")];

/// Computes the expected rows from sets of strings over the parsed records.
fn recomputed(records: &[Value]) -> Vec<Value> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for record in records.iter().filter(|record| is_whole(record)) {
        let ten_seconds = &text(record, "/event_timestamp")[..18];
        let game = record.pointer("/parameters/game_id");
        let game = game.and_then(Value::as_str).unwrap_or("default");
        groups.entry((ten_seconds, game)).or_default().push(record);
    }
    groups.iter().map(|(key, group)| row(*key, group)).collect()
}

/// Returns whether [`event`] left the record intact. A field that it breaks is missing, null, not a string,
/// or not a time.
fn is_whole(record: &Value) -> bool {
    let parameters = [
        "player_id",
        "session_id",
        "event_type",
        "level_id",
        "map_id",
    ];
    let texts = parameters
        .iter()
        .all(|name| record["parameters"][*name].is_string());
    let time = record["event_timestamp"].as_str();
    texts && record["user_data"]["platform"].is_string() && time.is_some_and(|time| time.len() > 20)
}

fn row((start, game): (&str, &str), group: &[&Value]) -> Value {
    let distinct =
        |pointer| -> BTreeSet<&str> { group.iter().map(|record| text(record, pointer)).collect() };
    let tens: u32 = start[17..].parse().expect("tens of seconds");
    json!({
        "window_start": format!("{start}0.000Z"),
        "window_end": format!("2024-11-12T10:15:{}0.000Z", tens + 1),
        "game_id": game,
        "active_players": distinct("/parameters/player_id").len(),
        "sessions": distinct("/parameters/session_id").len(),
        "events": group.len(),
        "by_platform": by_platform(group),
        "revision": 0,
    })
}

/// Counts players for the 32 names that come first in byte order, and for all others under `other`.
fn by_platform(group: &[&Value]) -> Map<String, Value> {
    let mut players: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in group {
        let platform = players
            .entry(text(record, "/user_data/platform"))
            .or_default();
        platform.insert(text(record, "/parameters/player_id"));
    }
    let mut others = players.remove("other").unwrap_or_default();
    while players.len() > 32 {
        others.extend(players.pop_last().expect("a platform").1);
    }
    if !others.is_empty() {
        players.insert("other", others);
    }
    let count = |(name, players): (&str, BTreeSet<_>)| (name.to_owned(), json!(players.len()));
    players.into_iter().map(count).collect()
}

/// Generates an event within half a minute. Most events are in one window and game, so that a long test case has
/// more than 32 platforms there. One event in six is broken.
fn event() -> impl Strategy<Value = Value> {
    let ms = prop_oneof![4 => 10_000_u32..20_000, 1 => 0_u32..30_000];
    let game = prop_oneof![
        4 => Just(json!("g|")),
        1 => prop::sample::select(vec![json!("%"), json!("default"), Value::Null]),
    ];
    // Some of these names sort before `other`, but most after it.
    let platform = prop_oneof![
        1 => prop::sample::select(vec!["PC", "Console", "other", "Other"]).prop_map(str::to_owned),
        2 => (0..20).prop_map(|number| format!("made-up {number}")),
        4 => (0..40).prop_map(|number| format!("pretended {number}")),
    ];
    let other = prop::array::uniform4(prop::sample::select(vec!["a", "b", "level_complete"]));
    (ms, game, 0..40, 0..50, platform, other, 0..24)
        .prop_map(|(ms, game, player, session, platform, [kind, level, map, user], dirt)| {
            let mut event = json!({
                "event_name": kind,
                "event_timestamp": format!("2024-11-12T10:15:{:02}.{:03}Z", ms / 1_000, ms % 1_000),
                "parameters": {"game_id": game, "player_id": format!("p{player}"),
                    "session_id": format!("s{session}"), "event_type": kind, "level_id": level, "map_id": map},
                "user_data": {"user_id": user, "platform": platform},
            });
            match dirt {
                0 => event["parameters"]["player_id"] = json!(player),
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
        dealt in prop::collection::vec((event(), 0_usize..7), 1..300),
    ) {
        assert_every_split(&Registration::windows::<ActivePlayersDerivation>(), &PARAMS, &dealt, recomputed);
    }
}

#[test]
fn a_crowd_is_estimated_with_its_error() {
    let crowd = 20_000;
    let record = |number: u32| {
        json!({
            "event_name": "player_action",
            "event_timestamp": "2024-11-12T10:15:30Z",
            "parameters": {"player_id": format!("player_{number}"), "session_id": "s", "event_type": "move",
                "level_id": "l", "map_id": "m"},
            "user_data": {"user_id": "u", "platform": if number.is_multiple_of(10) { "Console" } else { "PC" }},
        })
    };
    let records: Vec<Value> = (0..crowd).map(record).collect();
    let batches: Vec<_> = records.chunks(3_000).map(<[Value]>::to_vec).collect();
    let row = &derived(
        &Registration::windows::<ActivePlayersDerivation>(),
        &PARAMS,
        &batches,
    )[0];
    for (count, error, exact) in [
        (&row["active_players"], &row["active_players_error"], crowd),
        (
            &row["by_platform"]["PC"],
            &row["by_platform_error"],
            crowd / 10 * 9,
        ),
    ] {
        let off = count.as_f64().expect("a number") / f64::from(exact) - 1.0;
        assert!(
            error.as_f64().expect("an error") <= 0.01 && off.abs() <= 0.01,
            "{row}"
        );
    }
    assert_eq!(row["by_platform"]["Console"], crowd / 10);
    assert_eq!(
        (&row["sessions"], &row["sessions_error"]),
        (&json!(1), &Value::Null)
    );
}
