//! What the store makes of records: revisions, withdrawn rows, records that are no rows, and hostile ones.

use serde_json::json;

use super::*;
use crate::limits::NAMES_MAX;
use crate::testing::{START, active, fraud, row, server_alert, time};
use crate::views::View;

fn players(store: &Store) -> Vec<(i64, u64)> {
    let rows = store.active.range(i64::MIN..i64::MAX);
    rows.map(|(start, _, row)| ((start - START) / 1_000, row.players))
        .collect()
}

#[test]
fn revisions_replace_rows_and_withdrawn_rows_go() {
    let mut store = Store::new();
    let mut take = |value: &serde_json::Value| store.take(Topic::ActivePlayers, value);
    take(&row(START, 0, active("g", 5, 2)));
    take(&row(START, 1, active("g", 7, 2)));
    take(&row(START + 10_000, 0, active("g", 9, 2)));
    assert_eq!(players(&store), [(0, 7), (10, 9)]);
    let mut gone = row(START, 2, active("g", 7, 2));
    gone["withdrawn"] = json!(true);
    store.take(Topic::ActivePlayers, &gone);
    assert_eq!(players(&store), [(10, 9)]);
    assert_eq!(store.topic(Topic::ActivePlayers).records, 4);
    assert_eq!(store.clock(), START + 20_000);
}

#[test]
fn alerts_close_and_are_withdrawn_by_their_id() {
    let mut store = Store::new();
    store.take(
        Topic::ServerAlerts,
        &row(START, 0, server_alert("s", START, None)),
    );
    store.take(
        Topic::ServerAlerts,
        &row(START, 1, server_alert("s", START, Some(START + 5_000))),
    );
    let alerts: Vec<_> = store.server_alerts.newest_first().collect();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].1.measures.closed_at.is_some());
    store.take(Topic::FraudAlerts, &row(START, 0, fraud("u", "a", "high")));
    let mut gone = row(START, 1, fraud("u", "a", "high"));
    gone["withdrawn"] = json!(true);
    store.take(Topic::FraudAlerts, &gone);
    assert_eq!(store.fraud.newest_first().count(), 0);
}

#[test]
fn what_is_no_row_is_counted_and_changes_nothing() {
    let mut store = Store::new();
    let mut future = row(now().as_millis() + FUTURE_MS_MAX * 2, 0, active("g", 1, 1));
    store.take(Topic::ActivePlayers, &future);
    future = json!({"hello": "world"});
    store.take(Topic::ActivePlayers, &future);
    let mut large = row(START, 0, fraud("u", "a", "high"));
    large["reason"] = json!("x".repeat(RECORD_BYTES_MAX));
    store.take(Topic::FraudAlerts, &large);
    assert_eq!(store.topic(Topic::ActivePlayers).unshown, 2);
    assert_eq!(store.topic(Topic::FraudAlerts).unshown, 1);
    assert!(players(&store).is_empty() && store.fraud.newest_first().count() == 0);
}

#[test]
fn rows_with_names_beyond_the_room_are_counted_and_overwrite_no_other() {
    let mut store = Store::new();
    store.take(Topic::ActivePlayers, &row(START, 0, active("g", 5, 2)));
    for number in 0..NAMES_MAX {
        store.symbols.intern(&number.to_string());
    }
    for late in ["late 1", "late 2"] {
        store.take(Topic::ActivePlayers, &row(START, 0, active(late, 9, 2)));
    }
    store.take(Topic::ActivePlayers, &row(START, 1, active("g", 6, 2)));
    assert_eq!(players(&store), [(0, 6)]);
    assert_eq!(store.topic(Topic::ActivePlayers).unshown, 2);
    assert_eq!(store.game_names(), ["g"]);
}

#[test]
fn a_topic_that_begins_anew_is_forgotten_alone() {
    let mut store = Store::new();
    store.take(Topic::ActivePlayers, &row(START, 0, active("g", 5, 2)));
    store.take(Topic::FraudAlerts, &row(START, 0, fraud("u", "a", "high")));
    store.forget(Topic::ActivePlayers);
    assert!(players(&store).is_empty());
    assert_eq!(store.fraud.newest_first().count(), 1);
}

#[test]
fn sessions_of_one_name_are_told_apart_by_their_start() {
    let mut store = Store::new();
    let session = |start: i64, seconds: i64, withdrawn: bool| {
        json!({"window_start": time(start), "window_end": time(start + seconds * 1_000 + 1), "game_id": "g",
            "player_id": "p", "session_id": "s", "platform": (!withdrawn).then_some("PC"),
            "session_start": time(start), "session_end": time(start + seconds * 1_000),
            "duration_s": seconds, "events": 1, "level_completes": 0, "levels": [], "maps": [],
            "revision": u32::from(withdrawn), "withdrawn": withdrawn})
    };
    store.take(Topic::PlayerSessionSummaries, &session(START, 4, false));
    store.take(
        Topic::PlayerSessionSummaries,
        &session(START + 100_000, 40, false),
    );
    let both = store.answer(View::Sessions, "");
    assert_eq!(
        (&both["data"]["sessions"], &both["data"]["median_s"]),
        (&json!(2), &json!(4.0))
    );
    // A late event has joined them: the second is part of the first now.
    store.take(
        Topic::PlayerSessionSummaries,
        &session(START + 100_000, 40, true),
    );
    let one = store.answer(View::Sessions, "");
    assert_eq!(one["data"]["sessions"], 1);
    assert_eq!(
        one["data"]["lengths"][0],
        json!({"from_s": 0.0, "to_s": 10.0, "sessions": 1})
    );
}
