//! Broken records: malformed, or with missing fields, wrong types, values out of range, invalid times or
//! excessive sizes. Each is labelled with its expected reject reason.

use model::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::event::{Broken, Topic};

/// The breaker's own random stream, so that the world is the same with and without broken records.
const STREAM: u64 = 1;
/// A thousand years after the event: in the future for every consumer, whatever the start of the world.
const AHEAD_MS: i64 = 31_556_952_000_000;
/// The last millisecond that RFC 3339 can express.
const LATEST_MS: i64 = 253_402_300_799_999;
/// The size of an oversized record: far larger than any event, but below the 1,000,000 bytes that consumers fetch at a
/// time.
const OVERSIZE_BYTES: (i64, i64) = (700_000, 900_000);

/// How common each reject reason is, in the order of [`Broken::ALL`]. Oversized records are rare, because each is as
/// large as three thousand others.
const WEIGHTS: [u32; 7] = [20, 20, 20, 15, 10, 14, 1];

/// Breaks a share of the records.
pub(crate) struct Breaker {
    dice: Dice,
    share: f64,
}

impl Breaker {
    pub(crate) fn new(seed: u64, share: f64) -> Self {
        Self {
            dice: Dice::new(seed, STREAM),
            share,
        }
    }

    /// Returns the value to send, and its reject reason if it was broken.
    pub(crate) fn pass(
        &mut self,
        topic: Topic,
        value: Vec<u8>,
        event_ms: i64,
    ) -> (Vec<u8>, Option<Broken>) {
        if !self.dice.chance(self.share) {
            return (value, None);
        }
        let reason = Broken::ALL[self.dice.weighted(&WEIGHTS)];
        if reason == Broken::NotJson {
            return (self.garble(value), Some(reason));
        }
        let mut event: Value = serde_json::from_slice(&value).expect("generated values are JSON");
        let (path, wrong) = self.defect(reason, topic, event_ms);
        put(&mut event, path, wrong);
        (event.to_string().into_bytes(), Some(reason))
    }

    /// Turns a value into bytes that are not one JSON object in UTF-8.
    fn garble(&mut self, value: Vec<u8>) -> Vec<u8> {
        match self.dice.below(5) {
            0 => value[..self.dice.between(1, value.len() as i64 - 1) as usize].to_vec(),
            1 => Vec::new(),
            2 => b"upstream connect error or disconnect/reset before headers".to_vec(),
            3 => [b"[", &value[..], b"]"].concat(),
            _ => self.mojibake(value),
        }
    }

    /// Puts a Latin-1 byte into the first field, the event's name or type, so that the text is not valid UTF-8.
    fn mojibake(&mut self, mut value: Vec<u8>) -> Vec<u8> {
        let opening = br#"":""#;
        let name = value.windows(3).position(|part| part == opening);
        let name = name.expect("events begin with a text") + opening.len();
        value.insert(name + self.dice.index(5), 0xe9);
        value
    }

    /// Chooses the field to break and its wrong value; `None` removes the field.
    fn defect(
        &mut self,
        reason: Broken,
        topic: Topic,
        event_ms: i64,
    ) -> (&'static str, Option<Value>) {
        let dice = &mut self.dice;
        match reason {
            Broken::MissingField => {
                let fields = required(topic);
                (fields[dice.index(fields.len())], None)
            }
            Broken::WrongType => wrong_type(topic, dice),
            Broken::InvalidTimestamp => {
                let never = [
                    "2024-13-01T10:15:30Z",
                    "2025-02-30T10:15:30Z",
                    "yesterday",
                    "",
                    "2024-11-12",
                ];
                (topic.event_time(), Some(json!(dice.pick(&never))))
            }
            Broken::FutureTimestamp => (
                topic.event_time(),
                Some(json!(
                    Timestamp::from_millis(LATEST_MS.min(event_ms.saturating_add(AHEAD_MS)))
                        .to_string()
                )),
            ),
            Broken::OutOfRange => out_of_range(topic, dice),
            Broken::TooLarge | Broken::NotJson => {
                let bytes = dice.between(OVERSIZE_BYTES.0, OVERSIZE_BYTES.1) as usize;
                (comment(topic), Some(json!("x".repeat(bytes))))
            }
        }
    }
}

fn required(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::PlayerEvents => &[
            "event_timestamp",
            "parameters",
            "parameters.player_id",
            "parameters.session_id",
        ],
        Topic::PurchaseEvents => &[
            "event_timestamp",
            "user_data",
            "parameters.transaction_id",
            "parameters.amount",
        ],
        Topic::ServerMetrics => &[
            "event_timestamp",
            "server_data",
            "parameters.server_id",
            "parameters.latency",
        ],
        Topic::GameEvents => &["event_timestamp", "event_type", "game_id", "player_id"],
        Topic::GameStatus => &["event_timestamp", "game_id", "player_count"],
        Topic::StoreEvents => &["timestamp", "eventType", "userId"],
    }
}

/// Returns a field that no declaration names.
fn comment(topic: Topic) -> &'static str {
    match topic {
        Topic::PlayerEvents | Topic::PurchaseEvents | Topic::ServerMetrics => "parameters.comment",
        Topic::GameEvents | Topic::GameStatus | Topic::StoreEvents => "comment",
    }
}

fn wrong_type(topic: Topic, dice: &mut Dice) -> (&'static str, Option<Value>) {
    let choices = match topic {
        Topic::PlayerEvents => [
            ("parameters.player_id", json!(123)),
            ("parameters", json!("move")),
        ],
        Topic::PurchaseEvents => [
            ("parameters.amount", json!("4.99")),
            ("user_data", json!([])),
        ],
        Topic::ServerMetrics => [
            ("parameters.cpu_load", json!("78%")),
            ("event_timestamp", json!(0)),
        ],
        Topic::GameEvents => [("player_id", json!(123)), ("game_id", json!([]))],
        Topic::GameStatus => [("player_count", json!("many")), ("game_id", json!({}))],
        Topic::StoreEvents => [("userId", json!(123)), ("eventType", json!([]))],
    };
    let (path, wrong) = dice.pick(&choices).clone();
    (path, Some(wrong))
}

fn out_of_range(topic: Topic, dice: &mut Dice) -> (&'static str, Option<Value>) {
    let choices = match topic {
        Topic::PlayerEvents => [
            ("parameters.player_id", json!("")),
            ("parameters.level_id", json!("")),
        ],
        Topic::PurchaseEvents => [
            ("parameters.amount", json!(-4.99)),
            ("parameters.transaction_type", json!("gift")),
        ],
        Topic::ServerMetrics => [
            ("parameters.cpu_load", json!(250)),
            ("parameters.latency", json!(-1)),
        ],
        Topic::GameEvents => [("latency_ms", json!(-1)), ("packet_loss", json!(1.5))],
        Topic::GameStatus => [("player_count", json!(-1)), ("player_count", json!(-50))],
        Topic::StoreEvents => [("totalAmount", json!(-1)), ("resultsCount", json!(-1))],
    };
    let (path, wrong) = dice.pick(&choices).clone();
    (path, Some(wrong))
}

/// Sets or removes the field at a dotted path.
fn put(event: &mut Value, path: &str, value: Option<Value>) {
    let (section, field) = path
        .split_once('.')
        .map_or((None, path), |(section, field)| (Some(section), field));
    let object: Option<&mut Map<String, Value>> = match section {
        Some(section) => event.get_mut(section).and_then(Value::as_object_mut),
        None => event.as_object_mut(),
    };
    let object = object.expect("generated events have every section");
    match value {
        Some(value) => object.insert(field.to_owned(), value),
        None => object.remove(field),
    };
}
