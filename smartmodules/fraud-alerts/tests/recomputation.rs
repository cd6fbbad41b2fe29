//! Compares the rules with a simple recomputation over each user's sorted transactions. The records are split into
//! batches in any way, and some of them are repeated.

mod oracle;

use std::collections::BTreeMap;

use dataflow::{Partition, Registration};
use fraud_alerts::FraudAlertsDerivation;
use model::fold::SourceRecord;
use model::{Params, Timestamp};
use oracle::{Alert, recomputed};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

/// The parameters. Windows are so short and counts so small that a few transactions exceed every one of them.
const PARAMS: [(&str, &str); 17] = [
    ("velocity_n", "3"),
    ("velocity_window_s", "20"),
    ("amount_spike_k", "2.5"),
    ("amount_spike_m", "2"),
    ("amount_spike_limit", "worth 60 USD, JPY 5000, KWD none"),
    ("amount_spike_window_s", "60"),
    ("card_testing_n", "2"),
    ("card_testing_small", "worth 1 USD"),
    ("card_testing_large", "worth 30 USD, JPY 4000"),
    ("card_testing_window_s", "40"),
    ("refund_abuse_n", "2"),
    ("refund_abuse_r", "0.5"),
    ("refund_abuse_window_s", "50"),
    ("multi_currency_window_s", "30"),
    ("multi_platform_n", "2"),
    ("multi_platform_window_s", "15"),
    ("transaction_conflict_window_s", "45"),
];

/// The earliest event time, in milliseconds since the Unix epoch.
const EPOCH_MS: i64 = 1_731_406_500_000;

/// Returns the alerts for these batches, which contain records with their offsets.
fn derived(batches: &[Vec<(i64, Value)>], unique: bool) -> Vec<Alert> {
    let unique = unique.to_string();
    let unique = [("unique_transactions", unique.as_str())];
    let params: Params = PARAMS.into_iter().chain(unique).collect();
    let registration = Registration::keyed::<FraudAlertsDerivation>();
    let mut offline = registration.offline(&params, 1).expect("parameters");
    for batch in batches.iter().filter(|batch| !batch.is_empty()) {
        let texts: Vec<_> = batch.iter().map(|(_, record)| record.to_string()).collect();
        let records = batch.iter().zip(&texts);
        let header = offline.batch(
            Partition(0),
            records.map(|((offset, _), text)| SourceRecord::new(*offset, None, text.as_bytes())),
        );
        assert_eq!(header.accepted as usize, batch.len());
    }
    let rows = offline.finish().expect("records");
    let mut alerts: Vec<_> = rows.iter().map(|(key, row)| alert(key, row)).collect();
    alerts.sort();
    alerts
}

fn alert(key: &str, row: &[u8]) -> Alert {
    let row: Value = serde_json::from_slice(row).expect("JSON");
    let text = |name: &str| row[name].as_str().expect("a text").to_owned();
    let time = |name: &str| Timestamp::parse(&text(name)).expect("a time");
    let ids = row["transaction_ids"].as_array().expect("a list").iter();
    let score = row["score"].as_f64().expect("a number");
    let severity = ["low", "medium", "high"][(score >= 0.6) as usize + (score >= 0.8) as usize];
    assert!((0.0..=1.0).contains(&score) && text("severity") == severity);
    let (game, user) = (text("game_id"), text("user_id"));
    assert_eq!(key, format!("{game}|{user}|{}", text("rule")));
    Alert {
        rule: text("rule"),
        user: (game, user),
        start_ms: time("window_start").as_millis() - EPOCH_MS,
        end_ms: time("window_end").as_millis() - EPOCH_MS,
        revision: row["revision"].as_u64().expect("a number"),
        ids: ids
            .map(|id| id.as_str().expect("an id").to_owned())
            .collect(),
        differs: row["evidence"].get("differs").map(Value::to_string),
    }
}

/// Amounts just below and at every limit, by currency. Codes in lower case have the same limits. In a currency
/// without a known exchange rate (XTS), no amount is small, large, or high enough to raise an alert by itself.
const AMOUNTS: [(&str, &[&str]); 6] = [
    (
        "USD",
        &[
            "0", "0.50", "0.99", "1.00", "5.00", "12.50", "29.99", "30.00", "59.99", "60.00",
        ],
    ),
    ("usd", &["0.99", "1.00", "29.99", "30.00", "59.99", "60.00"]),
    ("EUR", &["0.89", "0.90", "26.99", "27.00", "53.99", "54.00"]),
    (
        "JPY",
        &["0", "149", "150", "900", "3999", "4000", "4999", "5000"],
    ),
    ("KWD", &["0.299", "0.300", "8.999", "9.000", "9999.000"]),
    ("XTS", &["0.01", "30.00", "99999.00"]),
];

fn price() -> impl Strategy<Value = (&'static str, &'static str)> {
    // Most purchases are in dollars, so that a purchase usually has others in its currency.
    let place = prop_oneof![4 => Just(0), 3 => 0..AMOUNTS.len()];
    (place, any::<prop::sample::Index>()).prop_map(|(place, index)| {
        let (currency, amounts) = AMOUNTS[place];
        (currency, *index.get(amounts))
    })
}

/// Generates a transaction. Every field varies, with so few different values that the rules fire often.
fn transaction() -> impl Strategy<Value = Value> {
    let any_of = |choices: &[&'static str]| prop::sample::select(choices.to_vec());
    let about = (
        any_of(&["transaction", "transaction", "again"]),
        any_of(&["sword", "sword", "shield"]),
        any_of(&["weapon", "weapon", "a|b%"]),
        any_of(&["PC", "PC", "PC", "Mobile", "Console"]),
        prop::sample::select(vec![
            None,
            None,
            Some(Value::Null),
            Some("default".into()),
            Some("arena".into()),
        ]),
    );
    (
        0_i64..60,
        0_u32..40,
        any_of(&["purchase", "purchase", "purchase", "refund"]),
        price(),
        about,
        0_u32..2,
    )
        .prop_map(|(time, id, kind, (currency, amount), (name, item, item_type, platform, game), user)| {
            let amount: f64 = amount.parse().expect("a number");
            let mut record = json!({
                "event_name": name,
                "event_timestamp": Timestamp::from_millis(EPOCH_MS + time * 5_000).to_string(),
                "parameters": {
                    "transaction_id": format!("t{id}"), "transaction_type": kind, "currency": currency,
                    "amount": amount, "item_id": item, "item_type": item_type,
                },
                "user_data": {"user_id": format!("u{user}"), "platform": platform},
            });
            if let Some(game) = game {
                record["parameters"]["game_id"] = game;
            }
            record
        })
}

/// Distributes records over five batches. Offsets ascend within a batch but interleave between batches.
fn split_into_batches(records: &[(i64, Value)], places: &[usize]) -> Vec<Vec<(i64, Value)>> {
    let mut batches = vec![Vec::new(); 5];
    for (index, record) in records.iter().enumerate() {
        batches[places[index % places.len()]].push(record.clone());
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        transactions in prop::collection::vec((transaction(), prop::option::weighted(0.2, 0_usize..60)), 1..60),
        places in prop::collection::vec(0_usize..5, 1..60),
        unique: bool,
    ) {
        let mut records: Vec<Value> = transactions.iter().map(|(record, _)| record.clone()).collect();
        for (record, again) in &transactions {
            again.iter().for_each(|place| records.insert(place % records.len(), record.clone()));
        }
        let expected = recomputed(&records, unique);
        let records: Vec<_> = (0..).zip(records).collect();
        prop_assert_eq!(&derived(std::slice::from_ref(&records), unique), &expected);
        let mut batches = split_into_batches(&records, &places);
        prop_assert_eq!(&derived(&batches, unique), &expected);
        batches.reverse();
        prop_assert_eq!(&derived(&batches, unique), &expected);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        transactions in prop::collection::vec(transaction(), 1..60),
        order in prop::collection::vec(any::<u32>(), 60),
    ) {
        let mut records = transactions;
        for (index, record) in records.iter_mut().enumerate() {
            // The times are 4,001 ms apart, so no two of them are equal.
            let time = Timestamp::from_millis(EPOCH_MS + index as i64 * 4_001);
            record["event_timestamp"] = time.to_string().into();
        }
        let numbered = |records: &[Value]| vec![(0..).zip(records.iter().cloned()).collect()];
        let in_order = derived(&numbered(&records), true);
        let mut places: Vec<_> = (0..records.len()).collect();
        places.sort_by_key(|place| order[*place]);
        let shuffled: Vec<_> = places.iter().map(|place| records[*place].clone()).collect();
        prop_assert_eq!(derived(&numbered(&shuffled), true), in_order);
    }
}

/// The random transactions must make every rule fire and every field differ in conflicts; otherwise the properties
/// above would prove little.
#[test]
fn random_transactions_make_every_rule_fire() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut fields: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..300 {
        let some = prop::collection::vec(transaction(), 40..60);
        let records = some.new_tree(&mut runner).expect("records").current();
        for alert in recomputed(&records, true) {
            *seen.entry(alert.rule).or_default() += 1;
            for field in alert.differs.iter().flat_map(|names| names.split(',')) {
                *fields.entry(field.replace(['[', ']'], "")).or_default() += 1;
            }
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert_eq!(fields.len(), 7, "{fields:?}");
    let counts = seen.values().chain(fields.values());
    assert!(counts.min() > Some(&20), "{seen:?} {fields:?}");
}
