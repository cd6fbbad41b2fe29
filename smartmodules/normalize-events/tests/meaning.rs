//! Tests that normalization preserves the event and its unknown fields, and leaves canonical records
//! unchanged.

use model::Params;
use model::event::{AnyEvent, EventReader};
use normalize_events::NormalizeEvents;
use proptest::prelude::*;
use serde_json::{Value, json};

fn normalized(record: &[u8]) -> Option<String> {
    NormalizeEvents::default().normalized(record)
}

fn event(record: &[u8]) -> Option<AnyEvent<'_>> {
    EventReader::default().read(record)
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![3 => "[a-z_ ]{1,8}", 1 => any::<String>()].prop_map(Value::from)
}

fn time() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        "2024-11-12T10:15:30Z",
        "2024-11-12t10:15:30.123456+05:30",
        "2024-11-12 10:15:30",
        "1969-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999Z",
        "2024-11-12",
        "",
    ])
    .prop_map(Value::from)
}

/// Generates numbers in the spellings of real senders. They are inserted into the text of a record, because
/// `serde_json` would rewrite them.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "[1-9]?[0-9](\\.[0-9]{1,9})?([eE][-+]?[0-2])?",
        prop::sample::select(vec![
            "-0.0",
            "-1",
            "1e-400",
            "1e400",
            "100.00000049",
            "\"4.99\"",
            "\" 7 \"",
            "\"x\""
        ])
        .prop_map(str::to_owned),
    ]
}

/// Generates records of the three kinds, mostly valid, with unknown fields.
fn record() -> impl Strategy<Value = String> {
    let currency = prop::sample::select(vec!["USD", "JPY", "BHD", "XYZ", "CLF"]);
    let id = prop_oneof![4 => text(), 1 => any::<i32>().prop_map(Value::from)];
    let game = prop_oneof![Just(json!(null)), text(), Just(json!(3))];
    (0..3, time(), id, game, text(), currency, [number(), number(), number()], any::<bool>()).prop_map(
        |(kind, time, id, game_id, unknown, currency, numbers, pretty)| {
            let (parameters, data) = match kind {
                0 => (
                    json!({"game_id": game_id, "player_id": id, "session_id": "s", "event_type": "move",
                        "level_id": "l", "map_id": unknown}),
                    json!({"user_data": {"user_id": id, "platform": "PC"}}),
                ),
                1 => (
                    json!({"game_id": game_id, "transaction_id": id, "transaction_type": "purchase",
                        "currency": currency, "amount": "#0", "item_id": "i", "item_type": "t"}),
                    json!({"user_data": {"user_id": "u", "platform": "PC", "more": unknown}}),
                ),
                _ => (
                    json!({"server_id": id, "cpu_load": "#0", "memory_usage": "#1", "latency": "#2"}),
                    json!({"server_data": {"region": "r", "server_type": "t"}}),
                ),
            };
            let mut record = json!({"event_name": "e", "event_timestamp": time, "unknown": {"b": [unknown, "#1"],
                "a \"": null}, "parameters": parameters});
            record.as_object_mut().expect("an object").extend(data.as_object().expect("an object").clone());
            let text = if pretty { serde_json::to_string_pretty(&record) } else { serde_json::to_string(&record) };
            let places = numbers.iter().enumerate();
            places.fold(text.expect("JSON"), |text, (index, number)| text.replace(&format!("\"#{index}\""), number))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn an_event_stays_the_same_event(record in record()) {
        let normalized = normalized(record.as_bytes());
        if let Some(before) = event(record.as_bytes()) {
            let normalized = normalized.expect("a valid event has a canonical form");
            prop_assert_eq!(event(normalized.as_bytes()), Some(before), "{}", normalized);
        } else if let Some(repaired) = normalized {
            prop_assert!(event(repaired.as_bytes()).is_some(), "{}", repaired);
        }
    }

    #[test]
    fn normalizing_twice_changes_nothing(record in record()) {
        if let Some(once) = normalized(record.as_bytes()) {
            let twice = normalized(once.as_bytes());
            prop_assert_eq!(twice, Some(once));
        }
    }

    /// The two records differ only in the order of the root's fields and in spaces, so they have the same canonical
    /// form.
    #[test]
    fn the_order_and_the_spacing_of_fields_do_not_matter(record in record()) {
        let value = serde_json::from_str::<Value>(&record);
        prop_assume!(value.is_ok()); // `serde_json` rejects numbers beyond the range of floats
        let respelled = reversed(&record);
        prop_assert_eq!(normalized(record.as_bytes()), normalized(respelled.as_bytes()), "{}", respelled);
    }

    #[test]
    fn no_bytes_cause_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        record in record(),
        cut in 0_usize..400,
    ) {
        prop_assert_eq!(normalized(&bytes), None);
        let mut record = record.into_bytes();
        let whole = record.len();
        record.truncate(cut);
        prop_assert!(cut >= whole || normalized(&record).is_none());
    }
}

/// Returns the record with the fields of its root in reverse order and spaces around them. Values keep every
/// digit.
fn reversed(record: &str) -> String {
    type Raw = Box<serde_json::value::RawValue>;
    let fields: std::collections::BTreeMap<String, Raw> =
        serde_json::from_str(record).expect("an object");
    let field = |(name, value): (&String, &Raw)| format!("\t{} : {}\r\n", json!(name), value.get());
    let fields: Vec<_> = fields.iter().rev().map(field).collect();
    format!(" {{ {} }} ", fields.join(","))
}

#[test]
fn unknown_fields_are_kept_digit_by_digit() {
    let record = br#"{"z": 1.50e400, "a": [ 123456789012345678901234567890, "x  \" y" ], "event_name": "e",
        "event_timestamp": "2024-11-12T11:15:30+01:00", "parameters": {"extra": 1.0, "player_id": "p",
            "session_id": "s",
        "event_type": "m", "level_id": "l", "map_id": "m"}, "user_data": {"user_id": "u", "platform": "PC"}}"#;
    assert_eq!(
        normalized(record).as_deref(),
        Some(concat!(
            r#"{"a":[123456789012345678901234567890,"x  \" y"],"event_name":"e","#,
            r#""event_timestamp":"2024-11-12T10:15:30.000Z","#,
            r#""parameters":{"event_type":"m","extra":1.0,"game_id":"default","level_id":"l","map_id":"m","#,
            r#""player_id":"p","session_id":"s"},"#,
            r#""user_data":{"platform":"PC","user_id":"u"},"z":1.50e400}"#,
        ))
    );
}

#[test]
fn a_repeated_field_is_written_once() {
    let record = br#"{"parameters": {"player_id": "first", "player_id": "second", "session_id": "s"}, "event_name": "e",
        "event_timestamp": "2024-11-12T10:15:30Z", "user_data": {"user_id": "u", "platform": "PC"}, "parameters": null,
        "parameters": {"event_type": "m", "level_id": "l", "map_id": "m"}}"#;
    let normalized = normalized(record).expect("a valid event");
    assert_eq!(event(normalized.as_bytes()), event(record));
    assert_eq!(
        normalized.matches("\"parameters\"").count(),
        1,
        "{normalized}"
    );
    assert!(!normalized.contains("first"), "{normalized}");
}

#[test]
fn a_byte_order_mark_and_half_an_emoji_are_accepted() {
    let plain = r#"{"event_name":"e","name":"\ud83d","event_timestamp":"2024-11-12T10:15:30Z",
        "parameters":{"player_id":"p\ud83d","session_id":"s","event_type":"m","level_id":"l","map_id":"m"},
        "user_data":{"user_id":"u","platform":"PC"}}"#;
    let marked = format!("\u{feff}{plain}");
    let form = normalized(marked.as_bytes()).expect("a valid event");
    assert_eq!(Some(&form), normalized(plain.as_bytes()).as_ref());
    assert_eq!(event(form.as_bytes()), event(marked.as_bytes()));
}

#[test]
fn a_misplaced_section_is_not_repaired_away() {
    let record = br#"{"parameters": 5,
        "parameters": {"player_id": 1, "session_id": "s", "event_type": "m", "level_id": "l", "map_id": "m"},
        "event_name": "e", "event_timestamp": "2024-11-12T10:15:30Z", "user_data": {"user_id": "u",
            "platform": "PC"}}"#;
    assert_eq!(normalized(record), None);
}

#[test]
fn a_form_above_the_size_limit_is_none() {
    const PARAMETERS: &str = concat!(
        r#""parameters":{"event_type":"m","level_id":"l","map_id":"m","#,
        r#""player_id":"p","session_id":"s"}"#,
    );
    const USER_DATA: &str = r#""user_data":{"platform":"PC","user_id":"u"}"#;
    let record = |padding: usize| {
        let padding = "x".repeat(padding);
        format!(
            r#"{{"event_name":"e","event_timestamp":"2024-11-12T10:15:30","p":"{padding}",{PARAMETERS},{USER_DATA}}}"#
        )
    };
    let limit = model::event::limits::RECORD_BYTES_MAX;
    let largest = record(limit - record(0).len());
    assert!(
        event(largest.as_bytes()).is_some(),
        "an event of {} bytes",
        largest.len()
    );
    assert_eq!(normalized(largest.as_bytes()), None);
    assert!(normalized(&largest.as_bytes().repeat(2)).is_none());
    assert!(normalized(record(limit / 2).as_bytes()).is_some());
}

#[test]
fn wrong_parameters_are_named() {
    let params: Params = [("kinds", "any")].into_iter().collect();
    let error = NormalizeEvents::from_params(&params).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "unknown parameter `kinds`; known parameters: kind"
    );
}
