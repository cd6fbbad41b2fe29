//! Compares the filter with the parsers. It must pass exactly the records that at least one of them accepts.

use model::event::{PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use valid_events::ValidEvents;

const TOPICS: [&str; 3] = [
    PlayerEvent::TOPIC,
    PurchaseEvent::TOPIC,
    ServerMetric::TOPIC,
];

fn player() -> Value {
    json!({
        "event_name": "player_action", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"player_id": "p", "session_id": "s", "event_type": "move", "level_id": "l", "map_id": "m"},
        "user_data": {"user_id": "p", "platform": "PC"},
    })
}

fn purchase() -> Value {
    json!({
        "event_name": "transaction", "event_timestamp": "2024-11-12T10:16:05Z",
        "parameters": {"transaction_id": "t", "transaction_type": "refund", "currency": "USD", "amount": 4.99,
            "item_id": "i", "item_type": "skin"},
        "user_data": {"user_id": "p", "platform": "PC"},
    })
}

fn server() -> Value {
    json!({
        "event_name": "server_metric", "event_timestamp": "2024-11-12T10:16:30Z",
        "parameters": {"server_id": "s", "cpu_load": 78, "memory_usage": 65, "latency": 120},
        "server_data": {"region": "us-west", "server_type": "dedicated"},
    })
}

/// Returns whether each topic's parser accepts the record, in the order of [`TOPICS`].
fn accepted(record: &[u8]) -> [bool; 3] {
    [
        PlayerEvent::parse(record).is_ok(),
        PurchaseEvent::parse(record).is_ok(),
        ServerMetric::parse(record).is_ok(),
    ]
}

fn filter(kind: Option<&str>) -> ValidEvents {
    let params = kind.map(|kind| ("kind", kind)).into_iter().collect();
    ValidEvents::from_params(&params).expect("valid parameters")
}

/// Generates records that are events, almost events, or arbitrary bytes.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let fields = [
        "/event_name",
        "/event_timestamp",
        "/parameters",
        "/parameters/player_id",
        "/parameters/amount",
        "/parameters/transaction_type",
        "/parameters/cpu_load",
        "/parameters/server_id",
        "/user_data/user_id",
    ];
    let values = [
        json!(null),
        json!(""),
        json!(7),
        json!(-1),
        json!(101),
        json!("x"),
        json!([1]),
        json!({}),
    ];
    let changed = (
        prop::sample::select(vec![player(), purchase(), server()]),
        prop::option::of((
            prop::sample::select(fields.to_vec()),
            prop::sample::select(values.to_vec()),
        )),
    );
    let nearly = changed.prop_map(|(mut record, change)| {
        if let Some((pointer, value)) = change
            && let Some(field) = record.pointer_mut(pointer)
        {
            *field = value;
        }
        record.to_string().into_bytes()
    });
    let cut = (nearly.clone(), 0_usize..400).prop_map(|(mut record, length)| {
        record.truncate(length);
        record
    });
    prop_oneof![6 => nearly, 2 => cut, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// One filter processes all records, as it does in a stream.
    #[test]
    fn passes_what_a_parser_accepts(records in prop::collection::vec(record(), 1..20)) {
        let mut any = [filter(None), filter(Some("any"))];
        let mut each = TOPICS.map(|topic| filter(Some(topic)));
        for record in records {
            let expected = accepted(&record);
            let text = String::from_utf8_lossy(&record);
            for any in &mut any {
                prop_assert_eq!(any.passes(&record), expected.contains(&true), "{}", text);
            }
            let found = each.each_mut().map(|filter| filter.passes(&record));
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
}

#[test]
fn each_kind_passes_its_own() {
    for (index, record) in [player(), purchase(), server()].iter().enumerate() {
        let record = record.to_string();
        let passed = TOPICS.map(|topic| filter(Some(topic)).passes(record.as_bytes()));
        assert_eq!(passed, [0, 1, 2].map(|kind| kind == index), "{record}");
    }
}

#[test]
fn wrong_parameters_are_named() {
    let error = |name: &str, value: &str| {
        let params = [(name, value)].into_iter().collect();
        ValidEvents::from_params(&params)
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        error("kind", "players"),
        "parameter `kind` is `players`: player-events, purchase-events, server-metrics or any is expected"
    );
    assert_eq!(
        error("topic", "any"),
        "unknown parameter `topic`; known parameters: kind"
    );
}
