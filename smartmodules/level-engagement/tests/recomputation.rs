//! Compares the derivation with a simple recomputation over the records, in any split and order.

use std::collections::{BTreeMap, BTreeSet};

use dataflow::Registration;
use fold_testing::{assert_every_split, derived, text};
use level_engagement::LevelEngagementDerivation;
use proptest::prelude::*;
use serde_json::{Value, json};

const PARAMS: [(&str, &str); 1] = [("window_ms", "10000")];

/// Computes the expected rows from sets of strings over the parsed records.
fn recomputed(records: &[Value]) -> Vec<Value> {
    let mut groups: BTreeMap<Vec<&str>, Vec<&Value>> = BTreeMap::new();
    for record in records {
        let ten_seconds = &text(record, "/event_timestamp")[..18];
        let field = |name| text(record, name);
        let game = record["parameters"]["game_id"].as_str();
        let key = vec![
            ten_seconds,
            game.unwrap_or("default"),
            field("/parameters/level_id"),
            field("/parameters/map_id"),
        ];
        groups.entry(key).or_default().push(record);
    }
    groups.iter().map(|(key, group)| row(key, group)).collect()
}

fn row(key: &[&str], group: &[&Value]) -> Value {
    let is =
        |kind: &'static str| move |record: &&&Value| text(record, "/parameters/event_type") == kind;
    let session = |record: &&&'_ Value| text(record, "/parameters/session_id").to_owned();
    let players: BTreeSet<_> = group
        .iter()
        .map(|record| text(record, "/parameters/player_id"))
        .collect();
    let sessions: BTreeSet<_> = group.iter().map(|record| session(&record)).collect();
    let completing: BTreeSet<_> = group
        .iter()
        .filter(is("level_complete"))
        .map(|record| session(&record))
        .collect();
    let tens: u32 = key[0][17..].parse().expect("tens of seconds");
    json!({
        "window_start": format!("{}0.000Z", key[0]),
        "window_end": if tens == 5 { "2024-11-12T10:16:00.000Z".into() } else { format!("2024-11-12T10:15:{}0.000Z",
            tens + 1) },
        "game_id": key[1], "level_id": key[2], "map_id": key[3],
        "events": group.len(),
        "active_players": players.len(),
        "sessions": sessions.len(),
        "moves": group.iter().filter(is("move")).count(),
        "interactions": group.iter().filter(is("interaction")).count(),
        "level_completes": group.iter().filter(is("level_complete")).count(),
        "completing_sessions": completing.len(),
        "completion_rate": four_decimals(completing.len(), sessions.len()),
        "revision": 0,
    })
}

/// Returns the ratio to four decimals, rounded half to even.
fn four_decimals(part: usize, whole: usize) -> f64 {
    let (down, rest) = (part * 10_000 / whole, part * 10_000 % whole);
    let up = 2 * rest > whole || (2 * rest == whole && down % 2 == 1);
    (down + usize::from(up)) as f64 / 10_000.0
}

/// Generates an event within one minute. Its fields have few different values, so that events often have the same key,
/// player or session.
fn event() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "move",
        "interaction",
        "level_complete",
        "chat",
        "Move",
    ]);
    let id = |prefix: &'static str, count: u32| {
        (0..count).prop_map(move |number| format!("{prefix}{number}"))
    };
    let game = prop::sample::select(vec![None, Some("default"), Some("g0"), Some("g1")]);
    let other = prop::array::uniform3(prop::sample::select(vec!["a", "b"]));
    (0_u32..60_000, kind, id("p|", 40), id("s%", 50), id("level", 2), id("", 2), game, other)
        .prop_map(|(ms, kind, player, session, level, map, game, [name, user, platform])| {
            json!({
                "event_name": name,
                "event_timestamp": format!("2024-11-12T10:15:{:02}.{:03}Z", ms / 1_000, ms % 1_000),
                "parameters": {"game_id": game, "player_id": player, "session_id": session, "event_type": kind,
                    "level_id": level, "map_id": format!("{map}|%")},
                "user_data": {"user_id": user, "platform": platform},
            })
        })
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        dealt in prop::collection::vec((event(), 0_usize..7), 1..300),
    ) {
        assert_every_split(&Registration::windows::<LevelEngagementDerivation>(), &PARAMS, &dealt, recomputed);
    }
}

#[test]
fn a_crowd_is_estimated_with_its_error() {
    let crowd = 20_000;
    let record = |number: u32| {
        json!({
            "event_name": "player_action",
            "event_timestamp": "2024-11-12T10:15:30Z",
            "parameters": {"player_id": format!("player_{number}"), "session_id": "s",
                "event_type": "level_complete", "level_id": "l", "map_id": "m"},
            "user_data": {"user_id": "u", "platform": "PC"},
        })
    };
    let batches: Vec<Vec<Value>> = (0..crowd)
        .map(record)
        .collect::<Vec<_>>()
        .chunks(3_000)
        .map(<[Value]>::to_vec)
        .collect();
    let rows = derived(
        &Registration::windows::<LevelEngagementDerivation>(),
        &PARAMS,
        &batches,
    );
    let players = rows[0]["active_players"].as_f64().expect("a number");
    let error = rows[0]["active_players_error"].as_f64().expect("an error");
    assert!(error <= 0.01, "{error}");
    assert!(
        (players / f64::from(crowd) - 1.0).abs() <= 0.01,
        "{players}"
    );
    let exact = (&rows[0]["sessions"], &rows[0]["sessions_error"]);
    assert_eq!(exact, (&json!(1), &Value::Null));
    assert_eq!(rows[0]["completion_rate"], json!(1.0));
}
