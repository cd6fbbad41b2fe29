//! Holds the rules against a plain recomputation over each user's sorted transactions, in any split
//! into batches and with any duplicates.

mod oracle;

use dataflow::Registration;
use fraud_alerts::FraudAlertsRules;
use model::fold::SourceRecord;
use model::{Params, Timestamp};
use oracle::{Alert, recomputed};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Windows and counts so small that a few transactions go through all of them.
const PARAMS: [(&str, &str); 17] = [
    ("velocity_n", "3"),
    ("velocity_window_s", "20"),
    ("amount_spike_k", "2.5"),
    ("amount_spike_m", "2"),
    ("amount_spike_limit", "60.00 JPY=5000"),
    ("amount_spike_window_s", "60"),
    ("card_testing_n", "2"),
    ("card_testing_small", "1.00 JPY=150"),
    ("card_testing_large", "30.00 JPY=4000"),
    ("card_testing_window_s", "40"),
    ("refund_abuse_n", "2"),
    ("refund_abuse_r", "0.5"),
    ("refund_abuse_window_s", "50"),
    ("multi_currency_window_s", "30"),
    ("multi_platform_n", "2"),
    ("multi_platform_window_s", "15"),
    ("transaction_conflict_window_s", "45"),
];

/// Where times begin.
const EPOCH_MS: i64 = 1_731_406_500_000;

/// What the rules say of records that stand in these batches, each with its offset.
fn derived(batches: &[Vec<(i64, Value)>], unique: bool) -> Vec<Alert> {
    let unique = unique.to_string();
    let unique = [("unique_transactions", unique.as_str())];
    let params: Params = PARAMS.into_iter().chain(unique).collect();
    let registration = Registration::following::<FraudAlertsRules>();
    let mut offline = registration.offline(&params, 1).expect("parameters");
    for batch in batches.iter().filter(|batch| !batch.is_empty()) {
        let texts: Vec<_> = batch.iter().map(|(_, record)| record.to_string()).collect();
        let records = batch.iter().zip(&texts);
        let header = offline.batch(
            0,
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
    assert_eq!(key, format!("default|{}|{}", text("user_id"), text("rule")));
    Alert {
        rule: text("rule"),
        user: text("user_id"),
        start_ms: time("window_start").as_millis() - EPOCH_MS,
        end_ms: time("window_end").as_millis() - EPOCH_MS,
        revision: row["revision"].as_u64().expect("a number"),
        ids: ids
            .map(|id| id.as_str().expect("an id").to_owned())
            .collect(),
    }
}

/// A transaction from spaces so small that everything collides.
fn transaction() -> impl Strategy<Value = Value> {
    let any_of = |choices: &[&'static str]| prop::sample::select(choices.to_vec());
    (
        0_i64..60,
        0_u32..40,
        any_of(&["purchase", "purchase", "purchase", "refund"]),
        any_of(&["USD", "USD", "USD", "USD", "JPY"]),
        any_of(&["0", "0.50", "0.99", "1.00", "5.00", "12.50", "30.00", "75.00"]),
        any_of(&["sword", "sword", "shield"]),
        any_of(&["PC", "PC", "PC", "Mobile", "Console"]),
        0_u32..2,
    )
        .prop_map(|(time, id, kind, currency, amount, item, platform, user)| {
            let amount: f64 = amount.parse().expect("a number");
            let amount = if currency == "JPY" { (amount * 100.0).round() } else { amount };
            json!({
                "event_name": "transaction",
                "event_timestamp": Timestamp::from_millis(EPOCH_MS + time * 5_000).to_string(),
                "parameters": {
                    "transaction_id": format!("t{id}"), "transaction_type": kind, "currency": currency,
                    "amount": amount, "item_id": item, "item_type": "weapon",
                },
                "user_data": {"user_id": format!("u{user}"), "platform": platform},
            })
        })
}

/// Dealt out as batches of partitions interleave: ascending offsets within each.
fn deal(records: &[(i64, Value)], places: &[usize]) -> Vec<Vec<(i64, Value)>> {
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
        let mut batches = deal(&records, &places);
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
            // A time of its own, four milliseconds at least from the others.
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
