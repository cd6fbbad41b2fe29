//! Compares views of a few rows with values that were computed by hand.

use client::{Offset, Partition};
use serde_json::{Value, json};

use super::View;
use crate::store::{Store, Topic};
use crate::testing::*;

fn store(rows: &[(Topic, Value)]) -> Store {
    let mut store = Store::new();
    for (topic, row) in rows {
        store.take(*topic, row);
    }
    store
}

fn known(values: &Value) -> Vec<&Value> {
    values
        .as_array()
        .unwrap()
        .iter()
        .filter(|value| !value.is_null())
        .collect()
}

#[test]
fn every_view_answers_from_an_empty_store() {
    for view in View::ALL {
        let answer = Store::new().answer(view, "");
        assert_eq!(answer["view"], view.name());
        assert_eq!(answer["watermark"], Value::Null);
        assert!(answer["as_of"].is_string() && answer["data"].is_object());
        assert_eq!(View::named(view.name()), Some(view));
        assert!(!view.topics().is_empty());
    }
    for topic in Topic::ALL {
        assert!(View::of_topic(topic).count() > 0, "{topic:?}");
    }
}

#[test]
fn the_overview_has_a_card_for_each_game_busiest_first() {
    let store = store(&[
        (Topic::ActivePlayers, row(START, 0, active("small", 5, 2))),
        (Topic::ActivePlayers, row(START, 0, active("g", 20, 2))),
        (
            Topic::ActivePlayers,
            row(START + 10_000, 0, active("g", 30, 2)),
        ),
        (
            Topic::Revenue,
            row(START, 0, revenue("USD", "10.00", "2.50")),
        ),
        (
            Topic::Revenue,
            row(START + 10_000, 0, revenue("USD", "0.10", "0.00")),
        ),
        (Topic::FraudAlerts, row(START, 0, fraud("u", "a", "high"))),
        (Topic::FraudAlerts, row(START, 0, fraud("u", "b", "low"))),
        (
            Topic::ServerHealth,
            row(START, 0, health("s", "critical", 99.0)),
        ),
        (
            Topic::ServerHealth,
            row(START + 10_000, 0, health("s", "healthy", 9.0)),
        ),
        (
            Topic::ServerAlerts,
            row(START, 0, server_alerts("s", START, None)),
        ),
    ]);
    let answer = store.answer(View::Overview, "");
    let data = &answer["data"];
    let card = &data["games"][0];
    assert_eq!(
        (&card["game"], &card["active_players"]),
        (&json!("g"), &json!(30))
    );
    assert_eq!(
        card["revenue"][0],
        json!({"currency": "USD", "net": "7.60", "purchases": 4})
    );
    assert_eq!(
        (&card["fraud_alerts"], &card["fraud_alerts_high"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(known(&card["players"]), [20.0, 30.0]);
    assert_eq!(data["games"][1]["game"], "small");
    assert_eq!(
        data["servers"],
        json!({"healthy": 1, "degraded": 0, "critical": 0, "silent": 0, "alerts_open": 1})
    );
    assert_eq!(answer["games"], json!(["g", "small"]));
}

#[test]
fn the_overview_of_a_past_span_shows_its_own_alerts() {
    let alert = |at, id: &str| (Topic::FraudAlerts, row(at, 0, fraud("u", id, "low")));
    let later = 7_200_000;
    let mut rows = vec![alert(START, "old")];
    rows.extend((0..20).map(|n| alert(START + later + n, &format!("new{n}"))));
    let answer = store(&rows).answer(
        View::Overview,
        &format!("from={}&to={}", START - later / 2, START + later / 2),
    );
    let alerts = answer["data"]["latest"].as_array().unwrap();
    let times: Vec<_> = alerts.iter().map(|alert| &alert["time"]).collect();
    assert_eq!(times, [&json!(START + 10_000)]);
}

#[test]
fn engagement_sums_games_and_takes_means_of_windows() {
    let store = store(&[
        (Topic::ActivePlayers, row(START, 0, active("g", 10, 4))),
        (Topic::ActivePlayers, row(START, 0, active("h", 2, 2))),
        (Topic::LevelEngagement, row(START, 0, level("l", 4, 4, 1))),
        (
            Topic::LevelEngagement,
            row(START + 10_000, 0, level("l", 2, 4, 2)),
        ),
        (Topic::LevelEngagement, row(START, 0, level("k", 1, 0, 0))),
    ]);
    let both = store.answer(View::Engagement, "");
    assert_eq!(known(&both["data"]["players"]), [12.0]);
    assert_eq!(known(&both["data"]["platforms"]["PC"]), [6.0]);
    let cell = &both["data"]["cells"][0];
    assert_eq!(
        (&cell["level"], &cell["active_players"]),
        (&json!("l"), &json!(3.0))
    );
    assert_eq!(cell["completion_rate"], 0.375);
    assert_eq!(both["data"]["cells"][1]["completion_rate"], Value::Null);
    let one = store.answer(View::Engagement, "game=g&level=k");
    assert_eq!(known(&one["data"]["players"]), [10.0]);
    assert_eq!(one["data"]["cells"].as_array().unwrap().len(), 1);
    let none = store.answer(View::Engagement, "game=unknown");
    assert!(known(&none["data"]["players"]).is_empty());
}

#[test]
fn stuck_players_are_grouped_by_level_and_map() {
    let stuck = |player: &str, level: &str| {
        row(
            START,
            0,
            json!({"game_id": "g", "player_id": player, "level_id": level, "map_id": "m", "session_id": "s",
            "since": time(START), "seconds_on_level": 130.5, "events": 31, "reason": "long", "min_seconds": 120,
            "min_events": 30}),
        )
    };
    let rows = [("a", "l"), ("b", "k"), ("c", "l")];
    let store = store(&rows.map(|(player, level)| (Topic::StuckPlayers, stuck(player, level))));
    let answer = store.answer(View::Engagement, "");
    let spot = &answer["data"]["stuck"][0];
    assert_eq!((&spot["level"], &spot["count"]), (&json!("l"), &json!(2)));
    assert_eq!(spot["players"].as_array().unwrap().len(), 2);
}

#[test]
fn currencies_are_summed_exactly_and_separately() {
    let store = store(&[
        (
            Topic::Revenue,
            row(START, 0, revenue("USD", "0.10", "0.00")),
        ),
        (
            Topic::Revenue,
            row(START + 10_000, 0, revenue("USD", "0.20", "0.30")),
        ),
        (Topic::Revenue, row(START, 0, revenue("JPY", "1200", "0"))),
    ]);
    let answer = store.answer(View::Purchases, "");
    let sums: Vec<_> = answer["data"]["currencies"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert_eq!(
        (&sums[0]["currency"], &sums[0]["net"]),
        (&json!("USD"), &json!("0.00"))
    );
    assert_eq!(
        (&sums[1]["currency"], &sums[1]["net"]),
        (&json!("JPY"), &json!("1200"))
    );
    assert_eq!(known(&sums[0]["nets"]), ["0.10", "-0.10"]);
    assert_eq!(sums[0]["arppu"], "0.20");
}

#[test]
fn the_buyers_of_several_games_are_added() {
    let mut other = revenue("USD", "0.50", "0.00");
    (other["game_id"], other["buyers"]) = (json!("h"), json!(4));
    let store = store(&[
        (
            Topic::Revenue,
            row(START - 10_000, 0, revenue("USD", "9.00", "0.00")),
        ),
        (
            Topic::Revenue,
            row(START, 0, revenue("USD", "0.20", "0.00")),
        ),
        (Topic::Revenue, row(START, 0, other)),
    ]);
    let answer = store.answer(View::Purchases, "");
    let sums = &answer["data"]["currencies"][0];
    // The ARPPU of both games: (2 buyers · 0.20 + 4 buyers · 0.50) / 6 buyers.
    assert_eq!(
        (&sums["buyers"], &sums["arppu"]),
        (&json!(6), &json!("0.40"))
    );
    assert_eq!(*known(&sums["arppus"]).last().unwrap(), "0.40");
}

#[test]
fn the_alerts_of_a_user_are_shown_beyond_the_span() {
    let old = START - 3_600_000;
    let store = store(&[
        (Topic::FraudAlerts, row(old, 0, fraud("u", "a", "low"))),
        (Topic::FraudAlerts, row(START, 0, fraud("u", "b", "high"))),
        (Topic::FraudAlerts, row(START, 0, fraud("v", "c", "high"))),
    ]);
    let ids = |query: &str| {
        let answer = store.answer(View::Fraud, query);
        let alerts = answer["data"]["alerts"].as_array().unwrap().clone();
        alerts
            .iter()
            .map(|alert| alert["alert_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(""), ["c", "b"]);
    assert_eq!(ids("user=u"), ["b", "a"]);
    assert!(ids("user=u&game=h").is_empty());
    let rules = &store.answer(View::Fraud, "")["data"]["rules"]["velocity"];
    assert_eq!(
        rules
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_u64)
            .sum::<u64>(),
        2
    );
}

#[test]
fn unhealthy_servers_come_first_and_alerts_open_in_the_span_are_shown() {
    let store = store(&[
        (
            Topic::ServerHealth,
            row(START, 0, health("a", "healthy", 1.0)),
        ),
        (
            Topic::ServerHealth,
            row(START, 0, health("b", "critical", 95.0)),
        ),
        (
            Topic::ServerHealth,
            row(START, 0, health("c", "healthy", 1.0)),
        ),
        (
            Topic::ServerAlerts,
            row(START, 0, server_alerts("c", START - 86_400_000, None)),
        ),
        (
            Topic::ServerAlerts,
            row(
                START,
                1,
                server_alerts("a", START - 86_400_000, Some(START - 80_000_000)),
            ),
        ),
    ]);
    let answer = store.answer(View::Servers, "");
    let names: Vec<_> = answer["data"]["tiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tile| &tile["server"])
        .collect();
    assert_eq!(names, ["c", "b", "a"]);
    assert_eq!(answer["data"]["tiles"][0]["open"], json!(["cpu"]));
    assert_eq!(answer["data"]["alerts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_sender_that_was_ahead_stays_listed() {
    let mut of_a = account("active-players", 9, 10, 0);
    of_a["ahead"] = json!(3);
    of_a["senders_ahead"] = json!([{"sender": "fast", "ahead_ms": 240_000}]);
    let store = store(&[
        (Topic::Accounting, of_a),
        (Topic::Accounting, account("active-players", 10, 10, 0)),
    ]);
    let answer = store.answer(View::Quality, "");
    let named = &answer["data"]["senders_ahead"];
    assert_eq!(named.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &named[0]["sender"],
            &named[0]["topic"],
            &named[0]["ahead_ms"]
        ),
        (&json!("fast"), &json!("player-events"), &json!(240_000))
    );
}

#[test]
fn rejected_records_of_a_source_are_counted_once_and_accounts_are_checked() {
    let mut store = store(&[
        (Topic::Accounting, account("active-players", 9, 8, 1)),
        (Topic::Accounting, account("level-engagement", 10, 8, 2)),
    ]);
    store
        .topics
        .accounts
        .note_end("player-events".to_owned(), Partition(0), Offset(15), START);
    store.topics.accounts.note_end(
        "player-events".to_owned(),
        Partition(0),
        Offset(99),
        START + 30_000,
    );
    let answer = store.answer(View::Quality, "");
    let data = &answer["data"];
    assert_eq!(
        data["rejected"],
        json!([{"topic": "player-events", "reason": "not_json", "records": 2}])
    );
    let adds_up: Vec<_> = data["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["adds_up"])
        .collect();
    assert_eq!(adds_up, [false, true]);
    assert_eq!(
        (
            &data["accounts"][0]["lag"],
            &data["accounts"][0]["delay_ms"]
        ),
        (&json!(6), &json!(5_000))
    );
    assert_eq!(answer["watermark"], time(START + 15_000));
}
