//! Decides whether a record is an event. It follows the documentation of events, and uses `serde_json` instead of this
//! project's own parser. It returns events as normalized JSON, from which the oracles recompute derived topics.

use std::collections::BTreeSet;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::source::{Field, Source};
use super::values::{scaled, time_ms};

const RECORD_BYTES_MAX: usize = 256 * 1024;
const DEPTH_MAX: usize = 127;
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// All reasons for which a record is not an event. The record must be rejected for one of them.
pub(super) type Reasons = BTreeSet<&'static str>;

/// An event as normalized JSON: it contains only the fields of its source, each once, and its time in UTC.
pub(super) struct Event {
    pub(super) time_ms: i64,
    pub(super) json: Value,
}

/// Parses a record as an event of this source.
pub(super) fn judge(source: Source, record: &[u8]) -> Result<Event, Reasons> {
    let text = json_text(record)?;
    let root = members(&text).ok_or_else(|| Reasons::from(["not_json"]))?;
    let mut reasons = Reasons::new();
    let mut found = Vec::new();
    for (key, value) in &root {
        if !["parameters", "user_data", "server_data"].contains(&key.as_str()) {
            found.push(("", key.clone(), *value));
        } else if let Some(fields) = members(value.get()) {
            // If a section occurs twice, the fields of both count.
            found.extend(
                fields
                    .into_iter()
                    .map(|(field, value)| (key.as_str(), field, value)),
            );
        } else if value.get() != "null" {
            reasons.insert("wrong_type");
        }
    }
    let mut event = json!({"parameters": {}, "user_data": {}, "server_data": {}});
    let mut time = None;
    for (section, name, field) in source.fields() {
        // If a field occurs twice, the last one counts.
        let place = |(at, key, _): &&(&str, String, &RawValue)| at == section && key == name;
        let raw = found.iter().rfind(place).map(|(_, _, raw)| raw.get());
        match read(*field, raw.filter(|raw| *raw != "null"), &event) {
            Ok(None) => {}
            Ok(Some(value)) if *field == Field::Time => time = value.as_i64(),
            Ok(Some(value)) if section.is_empty() => event[*name] = value,
            Ok(Some(value)) => event[*section][*name] = value,
            Err(reason) => drop(reasons.insert(reason)),
        }
    }
    let Some(time_ms) = time.filter(|_| reasons.is_empty()) else {
        return Err(reasons);
    };
    let plain = jiff::Timestamp::from_millisecond(time_ms).unwrap();
    event["event_timestamp"] = json!(plain.to_string());
    Ok(Event {
        time_ms,
        json: event,
    })
}

/// Finds a record's source by its `event_name`, and parses it as an event of that source.
pub(super) fn judge_by_name(record: &[u8]) -> Result<(Source, Event), Reasons> {
    let text = json_text(record)?;
    let root = members(&text).ok_or_else(|| Reasons::from(["not_json"]))?;
    let name = root.iter().rfind(|(key, _)| key == "event_name");
    let reason = match name.map(|(_, raw)| raw.get()) {
        None | Some("null") => "missing_field",
        Some(raw) => match serde_json::from_str::<String>(raw) {
            Err(_) => "wrong_type",
            Ok(name) => match Source::ALL
                .iter()
                .find(|source| source.event_name() == name)
            {
                None => "out_of_range",
                Some(source) => return judge(*source, record).map(|event| (*source, event)),
            },
        },
    };
    Err(Reasons::from([reason]))
}

/// Whether a text is one JSON value of any kind, with or without a byte order mark.
pub(super) fn is_json(text: &[u8]) -> bool {
    is_sound(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

fn is_sound(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).map(with_whole_characters);
    text.is_ok_and(|text| serde_json::from_str::<&RawValue>(&text).is_ok())
}

/// Returns the members of an object in their order.
pub(super) fn members(text: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members).ok()?;
    deserializer.end().ok().map(|()| members)
}

/// Returns the text of a record if it is an object within the limits.
fn json_text(record: &[u8]) -> Result<String, Reasons> {
    if record.len() > RECORD_BYTES_MAX {
        return Err(Reasons::from(["too_large"]));
    }
    let record = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    let is_object = record.trim_ascii_start().first() == Some(&b'{') && is_sound(record);
    // If both reasons apply, either may be reported.
    let reasons = [
        (depth(record) > DEPTH_MAX, "too_large"),
        (!is_object, "not_json"),
    ];
    let reasons = reasons.iter().filter(|(is, _)| *is);
    let reasons: Reasons = reasons.map(|(_, reason)| *reason).collect();
    match std::str::from_utf8(record) {
        Ok(text) if reasons.is_empty() => Ok(with_whole_characters(text)),
        _ => Err(reasons),
    }
}

/// Returns the greatest nesting depth of brackets, ignoring those in strings.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut is_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => depth += 1,
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Returns the text with U+FFFD instead of each lone surrogate, which `serde_json` does not accept.
fn with_whole_characters(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                whole.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        whole.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    whole + rest
}

/// Parses the UTF-16 code unit of an escape at the beginning of the text.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| u32::from_str_radix(digits, 16).unwrap())
}

/// Returns a field's value as normalized JSON; `None` if the field is optional and missing.
fn read(field: Field, raw: Option<&str>, event: &Value) -> Result<Option<Value>, &'static str> {
    const AMOUNT_MAX: i128 = 1_000_000_000_000;
    let Some(raw) = raw else {
        return match field {
            Field::Game => Ok(None),
            _ => Err("missing_field"),
        };
    };
    let number = |digits: u32, max| {
        if !raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Err("wrong_type");
        }
        let scaled = scaled(raw, digits.into(), max).ok_or("out_of_range")?;
        Ok(Some(json!(scaled as f64 / 10_f64.powi(digits as i32))))
    };
    match field {
        // Without a valid currency, the number of decimal digits is unknown.
        Field::Amount => match event["parameters"]["currency"].as_str() {
            Some(currency) => number(crate::oracle::minor_digits(currency) as u32, AMOUNT_MAX),
            None => Ok(None),
        },
        Field::Percent => number(6, 100_000_000),
        Field::Latency => number(6, 86_400_000_000_000),
        Field::Time | Field::Id | Field::Game | Field::Type => {
            let text: String = serde_json::from_str(raw).map_err(|_| "wrong_type")?;
            match (field, text.as_str(), text.len()) {
                (Field::Time, ..) => match time_ms(&text) {
                    Some(ms) => Ok(Some(json!(ms))),
                    None => Err("invalid_timestamp"),
                },
                (_, _, 257..) => Err("too_large"),
                (_, "", _) => Err("out_of_range"),
                (Field::Type, "purchase" | "refund", _) => Ok(Some(json!(text))),
                (Field::Type, ..) => Err("out_of_range"),
                _ => Ok(Some(json!(text))),
            }
        }
    }
}

#[test]
fn records_are_parsed_as_documented() {
    const EVENT: &str = concat!(
        r#"{"event_name":"e","event_timestamp":"2024-11-12T10:15:30Z","parameters":{"player_id":"ID","#,
        r#""session_id":"s","event_type":"move","level_id":"l","map_id":"m"},"#,
        r#""user_data":{"user_id":"u","platform":"PC"}}"#
    );
    let of = |id: &str| judge(Source::Players, EVENT.replace("ID", id).as_bytes());
    for (id, expected) in [
        (r"\ud83d\ude00", "\u{1f600}"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ud83d\u0031\\ud83d", "\u{fffd}1\\ud83d"),
        (r#"a","player_id":"b"#, "b"),
        (r#"a"},"parameters":{"player_id":"b"#, "b"),
    ] {
        let event = of(id).unwrap_or_else(|reasons| panic!("{id}: {reasons:?}"));
        assert_eq!(event.json["parameters"]["player_id"], expected);
    }
    for (id, reason) in [
        ("", "out_of_range"),
        ("\n", "not_json"),
        (r"\ud83", "not_json"),
    ] {
        assert_eq!(of(id).err(), Some(Reasons::from([reason])), "{id:?}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(127), "]".repeat(127));
    let reasons = judge(Source::Players, deep.as_bytes()).err().unwrap();
    assert!(reasons.contains("too_large"));
}
