//! Tests of the store: revisions, withdrawn rows, unreadable and hostile records, limits.

use serde_json::json;

use super::*;
use crate::history::{History, Row};
use crate::limits::{
    ALERTS_BYTES_MAX, ANSWERS_BYTES_MAX, FUTURE_MS_MAX, NAMES_BYTES_MAX, NAMES_MAX, PLATFORMS_MAX,
    RECORD_BYTES_MAX, ROWS_MAX, SLACK_PART,
};
use crate::testing::{START, active, fraud, row, server_alerts, time};
use crate::views::View;

fn players(store: &Store) -> Vec<(i64, u64)> {
    let rows = store.topics.active.range(i64::MIN..i64::MAX);
    rows.map(|(start, _, row)| ((start - START) / 1_000, row.players))
        .collect()
}

#[test]
fn revisions_replace_rows_and_withdrawn_rows_are_removed() {
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
    assert_eq!(store.state(Topic::ActivePlayers).records, 4);
    assert_eq!(store.clock(), START + 20_000);
}

#[test]
fn alerts_are_closed_and_withdrawn_by_their_id() {
    let mut store = Store::new();
    store.take(
        Topic::ServerAlerts,
        &row(START, 0, server_alerts("s", START, None)),
    );
    store.take(
        Topic::ServerAlerts,
        &row(START, 1, server_alerts("s", START, Some(START + 5_000))),
    );
    let alerts: Vec<_> = store.topics.server_alerts.newest_first().collect();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].1.measures.closed_at.is_some());
    store.take(Topic::FraudAlerts, &row(START, 0, fraud("u", "a", "high")));
    let mut gone = row(START, 1, fraud("u", "a", "high"));
    gone["withdrawn"] = json!(true);
    store.take(Topic::FraudAlerts, &gone);
    assert_eq!(store.topics.fraud.newest_first().count(), 0);
}

#[test]
fn unreadable_records_are_counted_and_change_nothing() {
    let mut store = Store::new();
    let mut future = row(now().as_millis() + FUTURE_MS_MAX * 2, 0, active("g", 1, 1));
    store.take(Topic::ActivePlayers, &future);
    future = json!({"hello": "world"});
    store.take(Topic::ActivePlayers, &future);
    let mut large = row(START, 0, fraud("u", "a", "high"));
    large["reason"] = json!("x".repeat(RECORD_BYTES_MAX));
    store.take(Topic::FraudAlerts, &large);
    assert_eq!(store.state(Topic::ActivePlayers).unshown, 2);
    assert_eq!(store.state(Topic::FraudAlerts).unshown, 1);
    assert!(players(&store).is_empty() && store.topics.fraud.newest_first().count() == 0);
}

#[test]
fn rows_whose_names_do_not_fit_are_counted_and_overwrite_no_other_row() {
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
    assert_eq!(store.state(Topic::ActivePlayers).unshown, 2);
    assert_eq!(store.game_names(), ["g"]);
}

#[test]
fn a_topic_that_was_created_again_is_cleared_alone() {
    let mut store = Store::new();
    store.take(Topic::ActivePlayers, &row(START, 0, active("g", 5, 2)));
    store.take(Topic::FraudAlerts, &row(START, 0, fraud("u", "a", "high")));
    store.forget(Topic::ActivePlayers);
    assert!(players(&store).is_empty());
    assert_eq!(store.topics.fraud.newest_first().count(), 1);
}

#[test]
fn sessions_with_the_same_id_are_distinguished_by_their_start() {
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
    // If a late event joins two sessions, the runner withdraws the row of the second session.
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

/// The limit for the memory of the whole process when it stores a day of data.
const MEMORY_BYTES_MAX: usize = 200_000_000;
/// The part of this memory that is reserved for everything except the collections.
const PROCESS_BYTES: usize = 20_000_000;
/// The allocator's overhead for a small allocation.
const PIECE_BYTES: usize = 16;
/// The memory that a name takes besides its text: its entries in two tables, and the header of its `Arc`.
const NAME_BYTES: usize = 64;

fn bytes<K, V>(_: &History<K, V>, rows: usize) -> usize {
    size_of::<Row<K, V>>() * rows * (SLACK_PART + 1) / SLACK_PART
}

#[test]
fn all_collections_at_their_limits_fit_in_200_mb() {
    let store = Store::new();
    let histories = [
        bytes(&store.topics.levels, Topic::LevelEngagement.rows_max()),
        bytes(&store.topics.items, Topic::PurchaseSummaries.rows_max()),
        bytes(
            &store.topics.sessions,
            Topic::PlayerSessionSummaries.rows_max(),
        ),
        bytes(&store.topics.health, Topic::ServerHealth.rows_max()),
        bytes(&store.topics.revenue, Topic::Revenue.rows_max()),
        bytes(&store.topics.accounts.delays, ROWS_MAX),
        bytes(&store.topics.active, Topic::ActivePlayers.rows_max()),
        (PIECE_BYTES + PLATFORMS_MAX * size_of::<(Symbol, u32)>())
            * Topic::ActivePlayers.rows_max(),
    ];
    let alerts = 3 * ALERTS_BYTES_MAX;
    let names = NAMES_BYTES_MAX + NAMES_MAX * NAME_BYTES;
    let all = histories.iter().sum::<usize>() + alerts + names + ANSWERS_BYTES_MAX;
    assert!(
        all + PROCESS_BYTES < MEMORY_BYTES_MAX,
        "{all} bytes: {histories:?}, alerts {alerts}, names {names}"
    );
}

#[test]
fn the_least_used_of_many_platforms_are_summed() {
    let mut store = Store::new();
    let platforms = (0..100).map(|number| (format!("p{number}"), json!(number + 1)));
    let mut many = active("g", 100, 0);
    many["by_platform"] = platforms.collect::<serde_json::Map<_, _>>().into();
    store.take(Topic::ActivePlayers, &row(START, 0, many));
    let (_, _, kept) = store
        .topics
        .active
        .range(i64::MIN..i64::MAX)
        .next()
        .unwrap();
    assert_eq!(kept.by_platform.len(), PLATFORMS_MAX);
    let sum: u32 = kept.by_platform.iter().map(|(_, players)| players).sum();
    assert_eq!(sum, 100 * 101 / 2);
    assert_eq!(store.symbols.name(kept.by_platform[0].0), "p99");
}

#[test]
fn old_levels_are_joined_to_minutes_with_the_same_sums_and_means() {
    let windows = 12 * 60;
    let mut store = Store::new();
    for window in 0..windows {
        let start = START + window * 10_000;
        let players = if window % 2 == 0 { 4 } else { 8 };
        store.take(
            Topic::LevelEngagement,
            &row(start, 0, crate::testing::level("l", players, 3, 1)),
        );
    }
    assert!(store.topics.levels.range(i64::MIN..i64::MAX).count() < 500);
    let answer = store.answer(View::Engagement, "last=1440");
    let cell = &answer["data"]["cells"][0];
    assert_eq!(
        (&cell["sessions"], &cell["active_players"]),
        (&json!(3 * windows), &json!(6.0))
    );
    assert_eq!(cell["events"], json!(6 * windows));
}
