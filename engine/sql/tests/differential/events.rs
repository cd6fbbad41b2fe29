//! The events that both sides read: few keys, many NULLs, Unicode, extreme numbers, and broken records.

use sql::{Column, Source, SqlType};

/// The text of a record, and whether it fits the declaration.
pub(crate) struct Record {
    pub(crate) json: String,
    pub(crate) is_valid: bool,
}

const EVENTS: u64 = 500;
/// The first event time, 2025-03-30T00:00:00Z.
pub(crate) const START_MS: i64 = 1_743_292_800_000;
const PLAYERS: [&str; 7] = ["ann", "Bob", "bob", "ß-İ", "λόγος", "😀a", "d%_\\"];
pub(crate) const GAMES: [&str; 3] = ["alpha", "beta", "γάμμα"];
const AMOUNTS: [&str; 8] = [
    "0",
    "0.01",
    "-0.01",
    "4.99",
    "-12.5",
    "9999999999999999.99",
    "100",
    "0.5",
];
const INTEGERS: [i64; 9] = [0, 1, -1, 2, 7, -13, 1_000_000, i64::MAX, i64::MIN];
const DOUBLES: [&str; 9] = [
    "0",
    "-0.5",
    "1.5",
    "2.5",
    "1e15",
    "1e-9",
    "-123456.789",
    "0.1",
    "3",
];
const TAGS: [&str; 4] = ["a", "b", "ä", ""];

pub(crate) fn source() -> Source {
    let column = |name: &str, ty| Column::new(name, name, ty).expect("a path");
    let required = |name: &str, ty| Column {
        required: true,
        ..column(name, ty)
    };
    let columns = vec![
        required("seq", SqlType::Bigint),
        required("event_timestamp", SqlType::Timestamp),
        required("player", SqlType::Text),
        column("game", SqlType::Text),
        Column {
            digits: 18,
            ..column("amount", SqlType::Decimal(2))
        },
        column("n", SqlType::Bigint),
        column("x", SqlType::Double),
        column("ok", SqlType::Boolean),
        column("since", SqlType::Timestamp),
        Column::new("tags", "tags[]", SqlType::Text).expect("a path"),
    ];
    Source::new("events", "id", "event_timestamp", columns).expect("a source")
}

/// Returns the same records at every call.
pub(crate) fn records() -> Vec<Record> {
    let mut numbers = Numbers(42);
    let mut records: Vec<Record> = (0..EVENTS).map(|seq| valid(seq, &mut numbers)).collect();
    for (number, json) in broken().into_iter().enumerate() {
        records.insert(
            number * 17,
            Record {
                json,
                is_valid: false,
            },
        );
    }
    records
}

fn valid(seq: u64, numbers: &mut Numbers) -> Record {
    // Bursts with pauses between them, so that there are sessions, and not in order.
    let burst = seq / 20;
    let time = START_MS + (burst * 47_000 + numbers.below(30_000)) as i64;
    let mut fields = vec![
        format!("\"seq\":{seq}"),
        format!(
            "\"event_timestamp\":\"{}\"",
            model::Timestamp::from_millis(time)
        ),
        format!("\"player\":{}", text(numbers.choose(&PLAYERS))),
        "\"unknown\":{\"player\":[1,{}]}".to_owned(),
    ];
    let since = model::Timestamp::from_millis(time - numbers.below(400 * 86_400_000) as i64);
    let optional = [
        ("game", text(numbers.choose(&GAMES))),
        ("amount", text(numbers.choose(&AMOUNTS))),
        ("n", numbers.choose(&INTEGERS).to_string()),
        ("x", (*numbers.choose(&DOUBLES)).to_owned()),
        ("ok", (numbers.below(2) == 0).to_string()),
        ("since", text(since.to_string())),
        ("tags", tags(numbers)),
    ];
    for (name, value) in optional {
        match numbers.below(6) {
            0 => {}
            1 => fields.push(format!("\"{name}\":null")),
            _ => fields.push(format!("\"{name}\":{value}")),
        }
    }
    let json = format!("{{{}}}", fields.join(","));
    Record {
        json,
        is_valid: true,
    }
}

fn tags(numbers: &mut Numbers) -> String {
    let tags = (0..numbers.below(4)).map(|_| match numbers.below(5) {
        0 => "null".to_owned(),
        _ => text(numbers.choose(&TAGS)),
    });
    let tags: Vec<String> = tags.collect();
    format!("[{}]", tags.join(","))
}

fn broken() -> Vec<String> {
    let with = |field: &str| {
        format!(
            "{{\"seq\":1,\"event_timestamp\":\"2025-03-30T00:00:00Z\",\"player\":\"ann\",{field}}}"
        )
    };
    let mut records = vec![
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "{\"seq\":1,\"player\":\"ann\"}".to_owned(),
        "{\"seq\":1,\"event_timestamp\":\"2025-03-30T00:00:00Z\",\"player\":null}".to_owned(),
        "{\"seq\":1,\"event_timestamp\":\"2025-02-30T00:00:00Z\",\"player\":\"ann\"}".to_owned(),
    ];
    records.extend(
        [
            "\"n\":\"1\"",
            "\"n\":1.5",
            "\"n\":9223372036854775808",
            "\"x\":1e999",
            "\"x\":\"1\"",
            "\"ok\":1",
            "\"amount\":\"0.001\"",
            "\"amount\":\"x\"",
            "\"amount\":1e16",
            "\"game\":1",
            "\"game\":{}",
            "\"since\":\"yesterday\"",
            "\"tags\":\"a\"",
            "\"tags\":[1]",
        ]
        .map(with),
    );
    records
}

fn text(value: impl AsRef<str>) -> String {
    serde_json::Value::from(value.as_ref()).to_string()
}

/// Pseudo-random numbers (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(crate) fn choose<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len() as u64) as usize]
    }
}
