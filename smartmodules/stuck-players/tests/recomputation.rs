//! Compares the rule with a simple recomputation over the records, in any split and order. Also checks
//! examples of players who must be reported and of players who must not.

use std::collections::BTreeMap;

use dataflow::Registration;
use fold_testing::{assert_every_split, in_every_split, text};
use proptest::prelude::*;
use serde_json::{Value, json};
use stuck_players::StuckPlayersDerivation;

const PARAMS: [(&str, &str); 3] = [
    ("min_seconds", "3"),
    ("min_events", "3"),
    ("session_gap_s", "2"),
];

/// Computes the expected alerts by splitting the sorted records into visits.
fn recomputed(records: &[Value]) -> Vec<Value> {
    let mut players: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for record in records.iter().filter(|record| is_whole(record)) {
        let player = (game(record), parameter(record, "player_id"));
        players.entry(player).or_default().push(record);
    }
    let mut rows = Vec::new();
    for mut events in players.into_values() {
        events.sort_by_key(|event| ms(event)); // a stable sort preserves the order of events at one instant
        rows.extend(visits(&events).iter().filter_map(|visit| alert(visit)));
    }
    let encoded = |row: &Value, name: &str| {
        let field = row[name].as_str().expect("a string");
        field.replace('%', "%25").replace('|', "%7C")
    };
    rows.sort_by_key(|row| {
        let key = ["game_id", "player_id", "level_id"].map(|name| encoded(row, name));
        (
            row["window_start"].to_string(),
            row["window_end"].to_string(),
            key.join("|"),
        )
    });
    rows
}

fn visits<'v>(events: &[&'v Value]) -> Vec<Vec<&'v Value>> {
    let mut visits: Vec<Vec<&Value>> = Vec::new();
    let mut before: Option<&Value> = None;
    for event in events {
        let goes_on = before.is_some_and(|before| {
            let same = |name| parameter(before, name) == parameter(event, name);
            !ends_visit(before)
                && ["level_id", "map_id", "session_id"].into_iter().all(same)
                && ms(event) - ms(before) <= 2_000
        });
        if !ends_visit(event) {
            if !goes_on {
                visits.push(Vec::new());
            }
            visits.last_mut().expect("a visit").push(event);
        }
        before = Some(event);
    }
    visits
}

fn alert(visit: &[&Value]) -> Option<Value> {
    let ms_in = |event: &Value| ms(event) - ms(visit[0]);
    let place = (2..visit.len()).find(|place| ms_in(visit[*place]) >= 3_000)?;
    let (since, ms_on_level, events) = (ms(visit[0]), ms_in(visit[place]), place + 1);
    let [player, level, map, session] =
        ["player_id", "level_id", "map_id", "session_id"].map(|name| parameter(visit[0], name));
    let game = game(visit[0]);
    let seconds = ms_on_level as f64 / 1_000.0;
    Some(json!({
        "window_start": time(since), "window_end": time(since + ms_on_level + 1),
        "game_id": game, "player_id": player, "level_id": level, "map_id": map, "session_id": session,
        "since": time(since), "seconds_on_level": seconds, "events": events,
        "reason": format!(
            "player {player} has been on level {level} (map {map}) for {seconds} s \
             with {events} events and has not completed it"
        ),
        "min_seconds": 3, "min_events": 3,
        "revision": 0,
    }))
}

fn game(record: &Value) -> &str {
    let game = record["parameters"]["game_id"].as_str();
    game.unwrap_or("default")
}

fn ends_visit(event: &Value) -> bool {
    ["level_complete", "logout", "session_end"].contains(&parameter(event, "event_type"))
}

fn parameter<'v>(record: &'v Value, name: &str) -> &'v str {
    text(&record["parameters"], &format!("/{name}"))
}

/// Returns whether [`event`] left the record intact.
fn is_whole(record: &Value) -> bool {
    record["parameters"]["player_id"].is_string()
        && record["parameters"]["level_id"].is_string()
        && record["event_timestamp"] != "yesterday"
}

/// Returns the record's time in milliseconds since 10:15.
fn ms(record: &Value) -> u64 {
    let time = text(record, "/event_timestamp");
    let number = |range: std::ops::Range<usize>| time[range].parse::<u64>().expect("a number");
    (number(14..16) - 15) * 60_000 + number(17..19) * 1_000 + number(20..23)
}

fn time(ms: u64) -> String {
    let (minutes, seconds) = (15 + ms / 60_000, ms / 1_000 % 60);
    format!("2024-11-12T10:{minutes:02}:{seconds:02}.{:03}Z", ms % 1_000)
}

fn action(ms: u64, player: &str, kind: &str, level: &str) -> Value {
    json!({
        "event_name": "player_action",
        "event_timestamp": time(ms),
        "parameters": {"game_id": "arena", "player_id": player, "session_id": "s", "event_type": kind,
            "level_id": level, "map_id": "m"},
        "user_data": {"user_id": player, "platform": "PC"},
    })
}

/// Generates an event within a minute. Most times are multiples of half a second, so that they often meet the gap
/// and the thresholds exactly. Most events are on the same level; some are on another level, end a visit, or are
/// broken.
fn event() -> impl Strategy<Value = Value> {
    let ms = (
        0_u64..120,
        prop_oneof![8 => Just(0_u64), 1 => Just(1), 1 => Just(499)],
    );
    let kind = prop_oneof![
        20 => Just("move"), 4 => Just("chat"),
        1 => Just("level_complete"), 1 => Just("logout"), 1 => Just("session_end"),
    ];
    let mostly =
        |most: &'static str, other: &'static str| prop_oneof![20 => Just(most), 1 => Just(other)];
    let player = prop::sample::select(vec!["p", "p|%"]);
    let game = prop_oneof![
        10 => Just(Some("default")), 10 => Just(None), 1 => Just(Some("arena|")),
    ];
    // The values of fields that do not end a visit.
    let other = prop::array::uniform3(prop::sample::select(vec!["a", "b"]));
    (
        ms,
        (player, game, other),
        kind,
        mostly("l|", "l%"),
        mostly("m", "n"),
        mostly("s", "t"),
        0..40,
    )
        .prop_map(
            |(
                (half, more),
                (player, game, [name, user, platform]),
                kind,
                level,
                map,
                session,
                dirt,
            )| {
                let mut event = action(half * 500 + more, player, kind, level);
                event["event_name"] = json!(name);
                event["parameters"]["game_id"] = json!(game);
                event["user_data"] = json!({"user_id": user, "platform": platform});
                event["parameters"]["map_id"] = json!(map);
                event["parameters"]["session_id"] = json!(session);
                match dirt {
                    0 => event["parameters"]["player_id"] = json!(7),
                    1 => event["parameters"]["level_id"] = Value::Null,
                    2 => event["event_timestamp"] = json!("yesterday"),
                    _ => {}
                }
                event
            },
        )
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        dealt in prop::collection::vec((event(), 0_usize..7), 1..250),
    ) {
        assert_every_split(&Registration::keyed::<StuckPlayersDerivation>(), &PARAMS, &dealt, recomputed);
    }
}

/// Returns the alerts for these events with the default parameters.
fn alerts(events: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let dealt: Vec<_> = events.into_iter().zip((0..5).cycle()).collect();
    let derivation = Registration::keyed::<StuckPlayersDerivation>();
    let [rows, others @ ..] = in_every_split(&derivation, &[], &dealt);
    others.iter().for_each(|other| assert_eq!(*other, rows));
    rows
}

#[test]
fn a_player_who_completes_levels_is_never_reported() {
    // The player completes ten levels, each after a minute with forty events.
    let level = |level: u64| {
        let action = move |number: u64| {
            let kind = if number == 39 {
                "level_complete"
            } else {
                "move"
            };
            action(
                level * 60_000 + number * 1_500,
                "p",
                kind,
                &format!("level_{level}"),
            )
        };
        (0..40).map(action)
    };
    assert_eq!(alerts((0..10).flat_map(level)), Vec::<Value>::new());
}

#[test]
fn a_player_who_stays_is_reported_once() {
    // As many events per minute as in the test above, but all on one level, which the player never completes.
    let events = (0..400).map(|number| action(number * 1_500, "p", "move", "level_1"));
    let alerts = alerts(events);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(
        (
            &alerts[0]["seconds_on_level"],
            &alerts[0]["events"],
            &alerts[0]["window_end"]
        ),
        (
            &json!(120.0),
            &json!(81),
            &json!("2024-11-12T10:17:00.001Z")
        )
    );
}

#[test]
fn both_thresholds_are_exact_to_the_millisecond_and_the_event() {
    for (last_ms, events, is_reported) in [
        (119_999, 30, false),
        (120_000, 30, true),
        (120_000, 29, false),
        (1_000_000, 29, false),
        (119_999, 1_000, false),
    ] {
        let first = (0..events - 1).map(|number| action(number % 100, "p", "move", "level_1"));
        let last = action(last_ms, "p", "move", "level_1");
        let alerts = alerts(first.chain([last]));
        assert_eq!(
            alerts.len(),
            usize::from(is_reported),
            "{events} events in {last_ms} ms"
        );
    }
}
