//! Compares the derivation with a simple recomputation over the records, in any split and order and with any
//! duplicates.

use std::collections::{BTreeMap, BTreeSet};

use dataflow::Registration;
use fold_testing::{assert_every_split, text};
use proptest::prelude::*;
use purchase_summaries::PurchaseSummariesDerivation;
use serde_json::{Value, json};

/// Computes the expected rows from a ledger of the parsed records.
fn recomputed(records: &[Value], unique_transactions: bool) -> Vec<Value> {
    let mut ledgers: BTreeMap<Vec<&str>, Vec<&Value>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for record in records {
        let digits = minor_digits(text(record, "/parameters/currency"));
        // The comparison ignores the event name, and whether the default game is written explicitly.
        let mut content = record.clone();
        content["event_name"] = Value::Null;
        content["parameters"]["game_id"] = game(record).into();
        content["parameters"]["amount"] = minor(record, digits).into();
        let is_new = seen.insert(content.to_string());
        if is_new || !unique_transactions {
            let key = vec![
                &text(record, "/event_timestamp")[..18],
                game(record),
                text(record, "/parameters/item_id"),
                text(record, "/parameters/currency"),
            ];
            ledgers.entry(key).or_default().push(record);
        }
    }
    ledgers
        .iter()
        .map(|(key, ledger)| row(key, ledger))
        .collect()
}

fn game(record: &Value) -> &str {
    let game = record["parameters"]["game_id"].as_str();
    game.unwrap_or("default")
}

fn row(key: &[&str], ledger: &[&Value]) -> Value {
    let digits = minor_digits(key[3]);
    let of = |kind: &'static str| {
        ledger
            .iter()
            .filter(move |record| text(record, "/parameters/transaction_type") == kind)
    };
    let sum = |kind| -> i64 { of(kind).map(|record| minor(record, digits)).sum() };
    let buyers: BTreeSet<_> = of("purchase")
        .map(|record| text(record, "/user_data/user_id"))
        .collect();
    let (_, item_type) = ledger
        .iter()
        .map(|record| {
            (
                text(record, "/event_timestamp"),
                text(record, "/parameters/item_type"),
            )
        })
        .max()
        .expect("a record");
    let tens: u32 = key[0][17..].parse().expect("tens of seconds");
    json!({
        "window_start": format!("{}0.000Z", key[0]),
        "window_end": format!("2024-11-12T10:15:{}0.000Z", tens + 1),
        "game_id": key[1], "item_id": key[2], "currency": key[3],
        "item_type": item_type,
        "purchases": of("purchase").count(),
        "refunds": of("refund").count(),
        "gross": money(sum("purchase"), digits),
        "refunded": money(sum("refund"), digits),
        "net": money(sum("purchase") - sum("refund"), digits),
        "buyers": buyers.len(),
        "revision": 0,
    })
}

fn minor_digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "BHD" => 3,
        _ => 2,
    }
}

/// Returns the amount in minor units, rounded half to even from ten-thousandths.
fn minor(record: &Value, digits: u32) -> i64 {
    let amount = record["parameters"]["amount"].as_f64().expect("a number");
    let ten_thousandths = (amount * 10_000.0).round() as i64;
    let unit = 10_i64.pow(4 - digits);
    let (down, rest) = (ten_thousandths / unit, ten_thousandths % unit);
    down + i64::from(2 * rest > unit || (2 * rest == unit && down % 2 == 1))
}

fn money(minor: i64, digits: u32) -> String {
    let padded = format!("{:0width$}", minor.abs(), width = digits as usize + 1);
    let (units, fraction) = padded.split_at(padded.len() - digits as usize);
    let sign = if minor < 0 { "-" } else { "" };
    let point = if digits > 0 { "." } else { "" };
    format!("{sign}{units}{point}{fraction}")
}

/// Generates a transaction within half a minute. Every field varies, with so few different values that the
/// same id occurs with different content.
fn transaction() -> impl Strategy<Value = Value> {
    let any_of = |choices: &[&'static str]| prop::sample::select(choices.to_vec());
    (
        0_u32..6,
        0_u32..20,
        any_of(&["purchase", "purchase", "refund"]),
        any_of(&["USD", "usd", "JPY", "BHD", "XXX"]),
        prop::sample::select(vec![0_u32, 5, 45, 50, 150, 2_500, 10_000, 15_000, 49_850, 99_999_999]),
        any_of(&["sword", "a|b%"]),
        any_of(&["weapon", "armor"]),
        0_u32..4,
        (
            any_of(&["transaction", "again"]),
            any_of(&["PC", "PC", "Mobile"]),
            prop::sample::select(vec![None, Some(Value::Null), Some("default".into()), Some("a|".into())]),
        ),
    )
        .prop_map(|(time, id, kind, currency, ten_thousandths, item, item_type, user, (name, platform, game))| {
            let mut record = json!({
                "event_name": name,
                "event_timestamp": format!("2024-11-12T10:15:{:02}.000Z", time * 5),
                "parameters": {
                    "transaction_id": format!("t{id}"), "transaction_type": kind, "currency": currency,
                    "amount": f64::from(ten_thousandths) / 10_000.0, "item_id": item, "item_type": item_type,
                },
                "user_data": {"user_id": format!("u{user}"), "platform": platform},
            });
            if let Some(game) = game {
                record["parameters"]["game_id"] = game;
            }
            record
        })
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        transactions in prop::collection::vec(
            (transaction(), 0_usize..7, prop::option::weighted(0.3, 0_usize..7)),
            1..200,
        ),
        unique_transactions: bool,
    ) {
        let mut dealt = Vec::new();
        for (record, batch, again) in transactions {
            dealt.extend(again.map(|batch| (record.clone(), batch)));
            dealt.push((record, batch));
        }
        let unique = unique_transactions.to_string();
        let params = [("window_ms", "10000"), ("unique_transactions", &unique)];
        let derivation = Registration::windows::<PurchaseSummariesDerivation>();
        assert_every_split(&derivation, &params, &dealt, |records| recomputed(records, unique_transactions));
    }
}
