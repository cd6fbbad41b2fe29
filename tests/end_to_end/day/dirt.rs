//! Generates dirty data: users, players and servers whose records are late, early, repeated or contradictory,
//! with strange ids and amounts, and with times just within and just beyond every limit.

use data_generator::Topic;
use serde_json::{Value, json};

use super::records::{Dice, END_MS, HOUR_MS, NOON_MS, START_MS, Sent};

const CUSTOMERS: i64 = 60;
const TRANSACTIONS: i64 = 90;
const PLAYERS: i64 = 24;
const STRETCHES: i64 = 20;
const SERVERS: i64 = 4;
const REPORTS: i64 = 1_400;
pub(super) const BRIDGES: usize = 8;

/// The pauses between two transactions. They include the window lengths of the rules (1, 10 and 60 minutes), and values
/// that differ from these by a millisecond.
const PAUSES_MS: [i64; 18] = [
    0, 0, 0, 1, 500, 1_000, 3_000, 12_000, 12_000, 30_000, 59_999, 60_000, 60_001, 300_000,
    599_999, 600_000, 3_599_999, 3_600_000,
];
/// Amounts with fewer decimal digits than their currencies have, exactly as many, and more.
const AMOUNTS: [f64; 20] = [
    0.0,
    0.01,
    0.5,
    0.99,
    0.994,
    0.996,
    1.0,
    1.5,
    2.5,
    4.985,
    4.995,
    5.0,
    49.99,
    50.0,
    50.004,
    499.99,
    500.0,
    1234.5675,
    1e9,
    10_000_000_000.0,
];
/// Amounts at the limits of the rules and just below them, in each currency.
const EDGES: [(&str, [f64; 6]); 7] = [
    ("USD", [0.99, 1.0, 49.99, 50.0, 499.99, 500.0]),
    ("usd", [0.99, 1.0, 49.99, 50.0, 499.99, 500.0]),
    ("EUR", [0.89, 0.9, 44.99, 45.0, 449.99, 450.0]),
    ("JPY", [149.0, 150.0, 7_499.0, 7_500.0, 74_999.0, 75_000.0]),
    ("BHD", [0.379, 0.38, 18.999, 19.0, 189.999, 190.0]),
    ("KWD", [0.299, 0.3, 14.999, 15.0, 149.999, 150.0]),
    ("ZZZ", [0.99, 1.0, 49.99, 50.0, 499.99, 500.0]),
];
const CURRENCIES: [&str; 7] = ["USD", "EUR", "JPY", "BHD", "KWD", "usd", "ZZZ"];
const PLATFORMS: [&str; 3] = ["PC", "Mobile", "a \"new\" one | \u{1f3ae}"];
/// Unusual parts of ids.
const STRANGE: [&str; 6] = [
    "",
    "|",
    "%7C",
    "\"'\\",
    "\u{e9}\u{4e16}\u{1f3ae}",
    "\u{0}\n\t",
];
const GAMES: [Option<&str>; 3] = [None, Some("arena"), Some("a|b%7Cc \u{4e16}")];

/// Generates users who buy and return items at random.
pub(super) fn customers(dice: &mut Dice) -> Vec<Sent> {
    let mut sent = Vec::new();
    for number in 0..CUSTOMERS {
        let user = format!("customer{}{number}", dice.pick(&STRANGE));
        let (home, platform, game) = (
            dice.pick(&CURRENCIES),
            dice.pick(&PLATFORMS),
            dice.pick(&GAMES),
        );
        let mut time_ms = START_MS + dice.below(23 * HOUR_MS);
        let mut ids: Vec<String> = Vec::new();
        for count in 0..TRANSACTIONS {
            time_ms += dice.pick(&PAUSES_MS);
            if time_ms >= END_MS {
                break;
            }
            if ids.is_empty() || !dice.is_one_in(5) {
                ids.push(format!("t{}{number} {count}", dice.pick(&STRANGE)));
            }
            let last = ids.len() as i64;
            let id = &ids[(last - 1 - dice.below(last.min(4))) as usize];
            let kind = dice.pick(&["purchase", "purchase", "refund"]);
            let price = price(dice, home);
            let mut value = transaction(&user, id, kind, price, &time(time_ms));
            vary(&mut value, dice, platform, game);
            let topic = Topic::PurchaseEvents;
            if dice.is_one_in(12) {
                // Sends the same transaction a second time. It counts as a duplicate although the event name differs
                // and a field is added.
                let mut again = value.clone();
                again["event_name"] = json!("transaction, again");
                again["unknown"] = json!([1, {"a": null}]);
                sent.push(delayed(dice, topic, &user, &again, time_ms));
            }
            sent.push(delayed(dice, topic, &user, &value, time_ms));
        }
    }
    sent
}

/// Returns an amount and a currency, mostly the user's own currency.
fn price(dice: &mut Dice, home: &'static str) -> (Value, &'static str) {
    let currency = match dice.is_one_in(8) {
        true => dice.pick(&CURRENCIES),
        false => home,
    };
    let amount = if dice.is_one_in(2) {
        let mut edges = EDGES.iter();
        dice.pick(&edges.find(|edges| edges.0 == currency).unwrap().1)
    } else {
        dice.pick(&AMOUNTS) + if dice.is_one_in(9) { 0.01 } else { 0.0 }
    };
    (json!(amount), currency)
}

/// Sets the platform and the game of a transaction, mostly the user's own. Sometimes it also sets an unusual item.
fn vary(value: &mut Value, dice: &mut Dice, platform: &str, game: Option<&str>) {
    value["user_data"]["platform"] = json!(match dice.is_one_in(10) {
        true => dice.pick(&PLATFORMS),
        false => platform,
    });
    if dice.is_one_in(6) {
        value["parameters"]["item_id"] = json!(format!("item{}", dice.pick(&STRANGE)));
    }
    if dice.is_one_in(6) {
        value["parameters"]["item_type"] = json!(format!("type{}", dice.pick(&STRANGE)));
    }
    // A few of a user's records have another game than the rest, or no game.
    let game = match dice.is_one_in(20) {
        true => dice.pick(&GAMES),
        false => game,
    };
    play_in(value, game);
}

/// Generates players who stay, leave and return at moments just before or after a limit.
pub(super) fn players(dice: &mut Dice) -> Vec<Sent> {
    let mut sent = Vec::new();
    for number in 0..PLAYERS {
        let player = format!("gamer{}{number}", dice.pick(&STRANGE));
        let game = dice.pick(&GAMES);
        let mut time_ms = START_MS + dice.below(22 * HOUR_MS);
        let mut session = 0;
        for _ in 0..STRETCHES {
            let place = [
                format!("level{}", dice.pick(&STRANGE)),
                format!("map{}", dice.pick(&STRANGE)),
            ];
            session += i64::from(!dice.is_one_in(4));
            let events = 1 + dice.below(55);
            let pace_ms = dice.pick(&[1_000, 4_000, 4_138, 5_000]);
            for event in 0..events {
                let kind = match event + 1 == events {
                    true => dice.pick(&["level_complete", "logout", "session_end", "move"]),
                    false => dice.pick(&["move", "interaction", "dance|%", "login"]),
                };
                let (level, map) = (place[0].as_str(), place[1].as_str());
                let session = format!("session {session}");
                let mut value = action(&player, &session, kind, [level, map], &time(time_ms));
                // Of the event name, the user id and the platform, only the platform affects any row.
                value["event_name"] = json!(dice.pick(&["player_action", "x"]));
                value["user_data"] = json!({
                    "user_id": dice.pick(&["user", "another"]),
                    "platform": dice.pick(&PLATFORMS),
                });
                let game = match dice.is_one_in(99) {
                    true => dice.pick(&GAMES),
                    false => game,
                };
                play_in(&mut value, game);
                for _ in 0..1 + dice.below(30) / 29 {
                    sent.push(delayed(dice, Topic::PlayerEvents, &player, &value, time_ms));
                }
                let pauses = [0, 1, 59_999, 60_000, 60_001];
                time_ms += if dice.is_one_in(12) {
                    dice.pick(&pauses)
                } else {
                    pace_ms
                };
            }
            time_ms += dice.pick(&[0, 1, 30_000, 60_000, 60_001, 1_800_000, 1_800_001]);
            if time_ms > END_MS - HOUR_MS {
                break;
            }
        }
    }
    sent
}

/// Generates servers with readings around the limits, and with silences about as long as the limit.
pub(super) fn servers(dice: &mut Dice) -> Vec<Sent> {
    let mut sent = Vec::new();
    for number in 0..SERVERS {
        let server = format!("node{}{number}", dice.pick(&STRANGE));
        let mut time_ms = START_MS + dice.below(12 * HOUR_MS);
        let mut readings = [40.0, 40.0, 50.0];
        let mut place = ["us-west", "dedicated"];
        for _ in 0..REPORTS {
            if dice.is_one_in(9) {
                let loads = [0.0, 40.0, 74.75, 75.0, 77.5, 80.0, 80.25, 95.0, 100.0];
                let latency = dice.pick(&[0.0, 50.0, 200.0, 235.5, 300.0]);
                readings = [dice.pick(&loads), dice.pick(&loads), latency];
            }
            if dice.is_one_in(25) {
                place = [
                    dice.pick(&["us-west", "eu|%7C"]),
                    dice.pick(&["dedicated", "virtual"]),
                ];
            }
            let mut value = report(&server, readings, &time(time_ms));
            value["server_data"] = json!({"region": place[0], "server_type": place[1]});
            for _ in 0..1 + dice.below(40) / 39 {
                sent.push(delayed(
                    dice,
                    Topic::ServerMetrics,
                    &server,
                    &value,
                    time_ms,
                ));
            }
            let silences = [0, 30_000, 30_001, 45_000, 600_000, 600_001];
            time_ms += match dice.is_one_in(60) {
                true => dice.pick(&silences),
                false => 2_000 + dice.below(8_000),
            };
            if time_ms > END_MS - HOUR_MS {
                break;
            }
        }
    }
    sent
}

/// Generates players who leave twice shortly before noon, too far apart for one session. An event between the two
/// logouts joins the sessions. It is sent only after both sessions have been written.
pub(super) fn bridges() -> Vec<Sent> {
    let mut sent = Vec::new();
    for number in 0..BRIDGES {
        let player = format!("bridge {number}");
        for (before_s, kind, emitted_ms) in [
            (110, "logout", NOON_MS - 110_000),
            (45, "logout", NOON_MS - 45_000),
            (80, "move", NOON_MS),
        ] {
            let time = time(NOON_MS - before_s * 1000);
            let value = action(&player, "session", kind, ["level", "map"], &time);
            sent.push(Sent {
                topic: Topic::PlayerEvents,
                key: player.clone(),
                value: value.to_string().into_bytes(),
                emitted_ms,
            });
        }
    }
    sent
}

/// Generates events six minutes ahead of the cluster's clock. Five minutes are allowed.
pub(super) fn from_the_future() -> Vec<Sent> {
    let ahead = time(jiff::Timestamp::now().as_millisecond() + 360_000);
    let bought = transaction("customer", "t", "purchase", (json!(1), "USD"), &ahead);
    let moved = action("gamer", "s", "move", ["level", "map"], &ahead);
    let reported = report("node", [90.0; 3], &ahead);
    [
        (Topic::PurchaseEvents, "customer", bought),
        (Topic::PlayerEvents, "gamer", moved),
        (Topic::ServerMetrics, "node", reported),
    ]
    .map(|(topic, key, value)| Sent {
        topic,
        key: key.to_owned(),
        value: value.to_string().into_bytes(),
        emitted_ms: START_MS + HOUR_MS,
    })
    .into()
}

/// Delays a record. Most records are on time, or out of order by less than the lateness; some are late by
/// seconds, minutes or hours.
fn delayed(dice: &mut Dice, topic: Topic, key: &str, value: &Value, time_ms: i64) -> Sent {
    let delay_ms = match dice.below(40) {
        0 => 2_500 + dice.below(57_500),
        1 => 60_000 + dice.below(240_000),
        2 => 5 * HOUR_MS,
        _ => dice.below(1_500),
    };
    Sent {
        topic,
        key: key.to_owned(),
        value: value.to_string().into_bytes(),
        emitted_ms: (time_ms + delay_ms).min(END_MS),
    }
}

fn play_in(value: &mut Value, game: Option<&str>) {
    if let Some(game) = game {
        value["parameters"]["game_id"] = json!(game);
    }
}

/// Returns the purchase or refund of a potion.
pub(super) fn transaction(
    user: &str,
    id: &str,
    kind: &str,
    (amount, currency): (Value, &str),
    time: &str,
) -> Value {
    json!({
        "event_name": "transaction", "event_timestamp": time,
        "parameters": {
            "transaction_id": id, "transaction_type": kind, "amount": amount, "currency": currency,
            "item_id": "potion", "item_type": "consumable",
        },
        "user_data": {"user_id": user, "platform": "PC"},
    })
}

/// Returns an action of a player on one map of a level.
pub(super) fn action(
    player: &str,
    session: &str,
    kind: &str,
    [level, map]: [&str; 2],
    time: &str,
) -> Value {
    json!({
        "event_name": "player_action", "event_timestamp": time,
        "parameters": {
            "player_id": player, "session_id": session, "event_type": kind, "level_id": level, "map_id": map,
        },
        "user_data": {"user_id": player, "platform": "PC"},
    })
}

/// Returns a report of a server's CPU load, memory usage and latency.
pub(super) fn report(server: &str, [cpu, memory, latency]: [f64; 3], time: &str) -> Value {
    json!({
        "event_name": "server_metric", "event_timestamp": time,
        "parameters": {"server_id": server, "cpu_load": cpu, "memory_usage": memory, "latency": latency},
        "server_data": {"region": "us-west", "server_type": "dedicated"},
    })
}

pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}
