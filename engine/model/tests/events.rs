//! Compares the parsing of events with `serde_json` and a table of the schemas. A record without faults must be
//! accepted; any other record must be rejected for one of its faults.

use std::collections::BTreeSet;

use model::Reason;
use model::event::{Layouts, PlayerEvent, PurchaseEvent, ServerMetric, TypedEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The type of a field in a schema.
#[derive(Clone, Copy)]
enum FieldKind {
    Id,
    OptionalId,
    Time,
    TransactionType,
    /// A number from 0 to this maximum.
    Number(f64),
}
use FieldKind::{Id, Number, OptionalId, Time, TransactionType};

type Schema = &'static [(&'static str, FieldKind)];

const PLAYER: Schema = &[
    ("/event_name", Id),
    ("/event_timestamp", Time),
    ("/parameters/game_id", OptionalId),
    ("/parameters/player_id", Id),
    ("/parameters/session_id", Id),
    ("/parameters/event_type", Id),
    ("/parameters/level_id", Id),
    ("/parameters/map_id", Id),
    ("/user_data/user_id", Id),
    ("/user_data/platform", Id),
];

const PURCHASE: Schema = &[
    ("/event_name", Id),
    ("/event_timestamp", Time),
    ("/parameters/game_id", OptionalId),
    ("/parameters/transaction_id", Id),
    ("/parameters/transaction_type", TransactionType),
    ("/parameters/currency", Id),
    ("/parameters/amount", Number(1e9)), // below the limit of currencies with two decimals, above every valid sample
    ("/parameters/item_id", Id),
    ("/parameters/item_type", Id),
    ("/user_data/user_id", Id),
    ("/user_data/platform", Id),
];

const SERVER: Schema = &[
    ("/event_name", Id),
    ("/event_timestamp", Time),
    ("/parameters/server_id", Id),
    ("/parameters/cpu_load", Number(100.0)),
    ("/parameters/memory_usage", Number(100.0)),
    ("/parameters/latency", Number(86_400_000.0)),
    ("/server_data/region", Id),
    ("/server_data/server_type", Id),
];

/// Returns a record without a fault.
fn valid(schema: Schema) -> Value {
    let mut record = json!({"more": {"unknown": [1, {"deep": null}]}});
    for (pointer, kind) in schema {
        let value = match kind {
            Id | OptionalId => json!(format!("an id of {pointer} with \"quotes\" and 😀")),
            Time => json!("2024-11-12T10:15:30.5+01:00"),
            TransactionType => json!("refund"),
            Number(_) => json!(12.5),
        };
        set(&mut record, pointer, Some(value));
    }
    record
}

/// Sets or removes the value at `pointer`. Creates a missing section. Does nothing if the section is not an object.
fn set(record: &mut Value, pointer: &str, value: Option<Value>) {
    let (section, name) = pointer.rsplit_once('/').expect("a pointer");
    if let Some(section) = section.strip_prefix('/') {
        let fields = record.as_object_mut().expect("an object");
        fields.entry(section).or_insert_with(|| json!({}));
    }
    let Some(fields) = record.pointer_mut(section).and_then(Value::as_object_mut) else {
        return;
    };
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value)),
        None => drop(fields.remove(name)),
    }
}

/// Returns all faults of `record`.
fn faults(schema: Schema, record: &Value) -> BTreeSet<Reason> {
    let sections = ["parameters", "user_data", "server_data"];
    let is_misplaced = |name: &&str| !(record[*name].is_object() || record[*name].is_null());
    let misplaced = sections.iter().any(is_misplaced);
    let field = |(pointer, kind): &(&str, FieldKind)| fault(record.pointer(pointer), *kind);
    let fields = schema.iter().filter_map(field);
    fields
        .chain(misplaced.then_some(Reason::WrongType))
        .collect()
}

fn fault(value: Option<&Value>, kind: FieldKind) -> Option<Reason> {
    let text = match (value, kind) {
        (None | Some(Value::Null), OptionalId) => return None,
        (None | Some(Value::Null), _) => return Some(Reason::MissingField),
        (Some(Value::Number(number)), Number(max)) => {
            let inside = (0.0..=max).contains(&number.as_f64().expect("a float"));
            return (!inside).then_some(Reason::OutOfRange);
        }
        (Some(Value::String(text)), Id | OptionalId | Time | TransactionType) => text.as_str(),
        _ => return Some(Reason::WrongType),
    };
    match (kind, text.len()) {
        (Time, _) => (!text.starts_with("2024-11-12T")).then_some(Reason::InvalidTimestamp),
        (_, 0) => Some(Reason::OutOfRange),
        (_, 257..) => Some(Reason::TooLarge),
        (TransactionType, _) => {
            (!["purchase", "refund"].contains(&text)).then_some(Reason::OutOfRange)
        }
        _ => None,
    }
}

/// Generates values that are right for some fields and wrong for others; `None` removes the field.
fn replacement() -> impl Strategy<Value = Option<Value>> {
    prop::sample::select(vec![
        None,
        Some(json!(null)),
        Some(json!(true)),
        Some(json!([])),
        Some(json!({"id": "x"})),
        Some(json!("")),
        Some(json!("é".repeat(128))),
        Some(json!("é".repeat(128) + "x")),
        Some(json!("purchase")),
        Some(json!("2024-11-12T10:15:30")),
        Some(json!("2024-11-12")),
        Some(json!("\u{0}\n|%\\")),
        Some(json!(0)),
        Some(json!(-0.001)),
        Some(json!(100)),
        Some(json!(100.001)),
        Some(json!(86_400_000)),
        Some(json!(86_400_001)),
        Some(json!(1e300)),
    ])
}

/// Generates up to three changes of a valid record, each a pointer and its new value.
fn changes(schema: Schema) -> impl Strategy<Value = Vec<(&'static str, Option<Value>)>> {
    let sections = ["/parameters", "/user_data", "/server_data"];
    let pointers: Vec<_> = schema.iter().map(|(pointer, _)| *pointer).collect();
    let anywhere = prop_oneof![
        9 => prop::sample::select(pointers),
        1 => prop::sample::select(sections.to_vec()),
    ];
    prop::collection::vec((anywhere, replacement()), 0..4)
}

fn changed(schema: Schema, changes: Vec<(&str, Option<Value>)>) -> Value {
    let mut record = valid(schema);
    for (pointer, value) in changes {
        set(&mut record, pointer, value);
    }
    record
}

/// Checks that a record is accepted with the right fields, or rejected for one of its faults. `fields` returns the
/// fields of an accepted event, each with its pointer in the record.
fn check<'e, E: TypedEvent<'e>>(
    schema: Schema,
    record: &Value,
    bytes: &'e [u8],
    fields: impl FnOnce(E) -> Vec<(&'static str, String)>,
) -> Result<(), TestCaseError> {
    let faults = faults(schema, record);
    match E::parse(bytes) {
        Ok(event) => {
            prop_assert!(faults.is_empty(), "accepted in spite of {:?}", faults);
            for (pointer, found) in fields(event) {
                let expected = record.pointer(pointer).and_then(Value::as_str);
                prop_assert_eq!(expected.unwrap_or("default"), found, "{}", pointer);
            }
        }
        Err(refused) => prop_assert!(
            faults.contains(&refused.reason),
            "refused for {}, not for one of {:?}",
            refused,
            faults
        ),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn player_events(changes in changes(PLAYER), pretty: bool) {
        let record = changed(PLAYER, changes);
        let bytes = rendered(&record, pretty);
        check(PLAYER, &record, &bytes, |event: PlayerEvent<'_>| vec![
            ("/parameters/game_id", event.game_id.into()),
            ("/parameters/player_id", event.player_id.into()),
            ("/parameters/session_id", event.session_id.into()),
            ("/parameters/event_type", event.event_type.into()),
            ("/parameters/level_id", event.level_id.into()),
            ("/parameters/map_id", event.map_id.into()),
            ("/user_data/platform", event.platform.into()),
        ])?;
    }

    #[test]
    fn purchase_events(changes in changes(PURCHASE), pretty: bool) {
        let record = changed(PURCHASE, changes);
        let bytes = rendered(&record, pretty);
        check(PURCHASE, &record, &bytes, |event: PurchaseEvent<'_>| vec![
            ("/parameters/game_id", event.game_id.into()),
            ("/parameters/transaction_id", event.transaction_id.into()),
            ("/parameters/transaction_type", format!("{:?}", event.transaction_type).to_lowercase()),
            ("/parameters/currency", event.currency.into()),
            ("/parameters/item_id", event.item_id.into()),
            ("/parameters/item_type", event.item_type.into()),
            ("/user_data/user_id", event.user_id.into()),
            ("/user_data/platform", event.platform.into()),
        ])?;
    }

    #[test]
    fn server_metrics(changes in changes(SERVER), pretty: bool) {
        let record = changed(SERVER, changes);
        let bytes = rendered(&record, pretty);
        check(SERVER, &record, &bytes, |event: ServerMetric<'_>| vec![
            ("/parameters/server_id", event.server_id.into()),
            ("/server_data/region", event.region.into()),
            ("/server_data/server_type", event.server_type.into()),
        ])?;
    }

    #[test]
    fn a_damaged_record_is_an_event_only_if_it_is_json(
        at in 0_usize..600,
        byte: u8,
        cut in 0_usize..2_000,
    ) {
        let mut bytes = rendered(&valid(PLAYER), false);
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(cut);
        let json = serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| value.is_object());
        let not_json = PlayerEvent::parse(&bytes).is_err_and(|refused| refused.reason == Reason::NotJson);
        prop_assert_eq!(json, !not_json, "{}", String::from_utf8_lossy(&bytes));
    }
}

/// Generates damage to a record: an index, the number of bytes removed there, and the bytes inserted.
fn damage() -> impl Strategy<Value = (usize, usize, &'static str)> {
    let texts = [
        "", "\"", "\\", "\\n", ",", "{", "}", " ", "0", "null", "é", "\u{1}", ",\"x\":1",
    ];
    (
        0_usize..600,
        0_usize..3,
        prop::sample::select(texts.to_vec()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Layouts learnt from earlier records never change what is read from a record.
    #[test]
    fn records_in_a_row_are_read_like_single_ones(
        records in prop::collection::vec(
            (changes(SERVER), prop::bool::weighted(0.2), prop::option::of(damage())),
            1..40,
        ),
    ) {
        let mut layouts = Layouts::default();
        for (changes, pretty, damage) in records {
            let mut bytes = rendered(&changed(SERVER, changes), pretty);
            if let Some((at, removed, text)) = damage {
                let at = at % bytes.len();
                let end = (at + removed).min(bytes.len());
                bytes.splice(at..end, text.bytes());
            }
            let alone = ServerMetric::parse(&bytes);
            let in_a_row = ServerMetric::parse_alike(&bytes, &mut layouts);
            prop_assert_eq!(alone, in_a_row, "{}", String::from_utf8_lossy(&bytes));
        }
    }
}

fn rendered(record: &Value, pretty: bool) -> Vec<u8> {
    let bytes = if pretty {
        serde_json::to_vec_pretty(record)
    } else {
        serde_json::to_vec(record)
    };
    bytes.expect("a value is JSON")
}

#[test]
fn the_last_of_two_fields_counts_and_repeated_objects_are_joined() {
    let record = br#"{
        "parameters": {"player_id": "first", "player_id": "second", "session_id": "s", "level_id": "l"},
        "event_name": null, "event_name": "e", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"level_id": "m", "map_id": "m", "event_type": "move"},
        "user_data": {"user_id": "u", "platform": "PC"}
    }"#;
    let event = PlayerEvent::parse(record).expect("an event");
    assert_eq!((&*event.player_id, &*event.level_id), ("second", "m"));
}

#[test]
fn half_an_emoji_and_a_byte_order_mark_are_accepted() {
    const RECORD: &str = r#"{"name":"NAME","event_name":"player_action","event_timestamp":"2024-11-12T10:15:30Z",
        "parameters":{"player_id":"PLAYER","session_id":"s","event_type":"move","level_id":"l","map_id":"m"},
        "user_data":{"user_id":"u","platform":"PC"}}"#;
    let mut layouts = Layouts::default();
    for (name, player, expected) in [
        ("plain", "p", "p"),
        (r"cut \ud83d", "p", "p"),
        (r"\ude00", r"p\ud83d", "p\u{fffd}"),
        ("plain", r"\ud83d\u0031", "\u{fffd}1"),
    ] {
        let plain = RECORD.replace("NAME", name).replace("PLAYER", player);
        for record in [plain.clone(), format!("\u{feff}{plain}")] {
            let event = PlayerEvent::parse_alike(record.as_bytes(), &mut layouts);
            assert_eq!(event.expect("an event").player_id, expected, "{record}");
            let alone = PlayerEvent::parse(record.as_bytes()).expect("an event");
            assert_eq!(alone.player_id, expected, "{record}");
        }
    }
    let twice = format!("\u{feff}\u{feff}{RECORD}");
    let refused = PlayerEvent::parse(twice.as_bytes()).expect_err("refused");
    assert_eq!(refused.reason, Reason::NotJson);
}

#[test]
fn a_record_may_have_the_length_of_the_limit() {
    let limit = model::event::limits::RECORD_BYTES_MAX;
    let mut bytes = rendered(&valid(PLAYER), false);
    bytes.resize(limit, b' ');
    assert!(PlayerEvent::parse(&bytes).is_ok());
    bytes.push(b' ');
    let refused = PlayerEvent::parse(&bytes).expect_err("too long");
    assert_eq!(refused.to_string(), "too_large: `record`");
}
